defmodule Desk.Application do
  @moduledoc "A supervisor and its one worker, which it starts again when it crashes."
  use Application

  @impl true
  def start(_type, _args) do
    # How many workers there have been is kept outside of them, and so outlives each.
    :persistent_term.put(:workers, :counters.new(1, []))
    Supervisor.start_link([Desk.Worker], strategy: :one_for_one)
  end
end
