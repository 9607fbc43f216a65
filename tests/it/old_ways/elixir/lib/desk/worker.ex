defmodule Desk.Worker do
  @moduledoc "Reads a request, answers it, and so on; crashes when it is told to."
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, nil)

  @impl true
  def init(_) do
    workers = :persistent_term.get(:workers)
    :counters.add(workers, 1, 1)
    {:ok, %{worker: :counters.get(workers, 1), served: 0}, {:continue, :serve}}
  end

  @impl true
  def handle_continue(:serve, state) do
    case IO.read(:stdio, :line) do
      line when is_binary(line) ->
        {:noreply, serve(String.trim(line), state), {:continue, :serve}}

      _end_of_input ->
        System.stop()
        {:noreply, state}
    end
  end

  defp serve("", state), do: state

  defp serve(line, state) do
    %{"event" => event} = :jiffy.decode(line, [:return_maps])
    state = Map.update!(state, :served, &(&1 + 1))
    IO.puts(:jiffy.encode(answer(event, state)))
    state
  end

  defp answer(%{"crash" => true}, _state), do: raise("told to crash")
  defp answer(event, state), do: Map.put(state, :event, event)
end
