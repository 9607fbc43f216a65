defmodule Greeter do
  @moduledoc "A Lambda function in Elixir: reads a line, prints a line."
  use Application

  @impl true
  def start(_type, _args) do
    Supervisor.start_link([{Task, &serve/0}], strategy: :one_for_one)
  end

  # The end of the input means stop.
  defp serve do
    IO.stream()
    |> Stream.reject(&(String.trim(&1) == ""))
    |> Stream.map(&:jiffy.decode(&1, [:return_maps]))
    |> Enum.each(&IO.puts(:jiffy.encode(answer(&1))))

    System.stop()
  end

  defp answer(%{"id" => id, "event" => event}) do
    %{id: id, result: greet(event)}
  rescue
    error ->
      message = Exception.message(error)
      %{id: id, error: %{errorType: inspect(error.__struct__), errorMessage: message}}
  end

  defp greet(%{"name" => name}), do: %{greeting: "Hello, #{name}!"}
end
