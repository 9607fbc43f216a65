defmodule ExampleError do
  defexception [:message]
end

defmodule Handler do
  @moduledoc """
  The function itself: an event in, a result out, an exception where it cannot.

  An event that is an object comes as a map.  Objects inside it come as jiffy's `{[{name, value}]}`,
  which keeps the order of their members.
  """

  require Logger

  def handle(%{"fail" => reason}, _context) when is_binary(reason) do
    raise ExampleError, reason
  end

  def handle(%{"echo" => value}, _context) do
    value
  end

  def handle(%{"name" => name}, _context) when is_binary(name) do
    Logger.info("greeting #{name}")
    %{greeting: "Hello, #{name}!"}
  end

  def handle(_event, _context) do
    raise ArgumentError, "expected name, fail or echo"
  end
end
