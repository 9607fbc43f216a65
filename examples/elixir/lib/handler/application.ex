defmodule Handler.Application do
  @moduledoc "What stays as it is: reads requests, has `Handler` answer each, and prints the replies."

  use Application

  @impl true
  def start(_type, _args) do
    children = [
      {Task.Supervisor, name: Handler.Tasks},
      # The last child: a handler counts as ready once it reads, and then all else has started.
      Supervisor.child_spec({Task, &serve/0}, restart: :transient)
    ]

    # No restart: a new server would not know which request the old one owed a reply to, and its
    # caller would wait until the deadline.  So the program ends, and the caller is told that.
    Supervisor.start_link(children, strategy: :one_for_one, max_restarts: 0)
  end

  # Bytes, not text: the same under every locale.  Descriptor 3 is made by rel/env.sh.eex.
  defp serve do
    serve(Port.open({:fd, 0, 3}, [:binary, :eof, line: 65_536]), [])
  end

  # A longer line comes in parts.  The end of the input means stop.
  defp serve(port, parts) do
    receive do
      {^port, {:data, {:noeol, part}}} ->
        serve(port, [parts, part])

      {^port, {:data, {:eol, part}}} ->
        reply(port, IO.iodata_to_binary([parts, part]))
        serve(port, [])

      {^port, :eof} ->
        reply(port, IO.iodata_to_binary(parts))
        System.stop()
    end
  end

  # A request begins with its id, so that there is one even where jiffy refuses the rest.
  defp reply(port, line) do
    case Regex.run(~r/^\s*{\s*"id"\s*:\s*"(\w+)"/, line, capture: :all_but_first) do
      [id] -> Port.command(port, [~s({"id":"), id, ~s(",), answer(line), "}\n"])
      nil -> String.trim(line) == "" || exit(:no_request)
    end
  end

  # Each request has a process of its own: whatever ends it ends nothing else, and its memory goes
  # with it.
  defp answer(line) do
    task = Task.Supervisor.async_nolink(Handler.Tasks, fn -> result(line) end)

    case Task.yield(task, :infinity) do
      {:ok, json} -> [~s("result":), json]
      {:exit, reason} -> [~s("error":), :jiffy.encode(error(reason), [:force_utf8])]
    end
  end

  defp result(line) do
    request = line |> :jiffy.decode([:use_nil]) |> to_map()
    event = to_map(request["event"])
    :jiffy.encode(Handler.handle(event, to_map(request["context"])), [:use_nil])
  end

  defp to_map({members}), do: Map.new(members)
  defp to_map(value), do: value

  # What an exception leaves, or else an exit, as of a process that this one was linked to.
  defp error({error, [{_, _, _, _} | _] = stack}) do
    exception = Exception.normalize(:error, error, stack)

    %{
      errorType: inspect(exception.__struct__),
      errorMessage: Exception.message(exception),
      stackTrace: Enum.map(stack, &Exception.format_stacktrace_entry/1)
    }
  end

  defp error(reason) do
    %{errorType: "exit", errorMessage: Exception.format_exit(reason), stackTrace: []}
  end
end
