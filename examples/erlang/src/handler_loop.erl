%% What stays as it is: reads requests, has handler:handle/2 answer each, and sends the replies.
-module(handler_loop).

-behaviour(application).
-behaviour(supervisor).

-export([start/2, stop/1, init/1, start_link/0]).

start(_Type, _Args) ->
    %% Prints and logs are UTF-8, whatever the locale.
    ok = io:setopts(user, [{encoding, unicode}]),
    supervisor:start_link(?MODULE, []).

stop(_State) ->
    ok.

%% No restart: a new loop would not know which request the old one owed a reply to, and its caller
%% would wait until the deadline.  So the program ends, and the caller is told that.
init([]) ->
    Loop = #{id => loop, start => {?MODULE, start_link, []}, restart => transient},
    {ok, {#{intensity => 0}, [Loop]}}.

start_link() ->
    {ok, proc_lib:spawn_link(fun serve/0)}.

%% The virtual machine itself takes the lengths off the requests and puts them before the replies.
%% Descriptor 3 is made by config/start.  The first message says that all has started, and the first
%% event is asked for only then; its id, which is no request's, keeps it from being taken for a reply
%% where LAMBDA_STDIO_READY=line was forgotten.
serve() ->
    Port = open_port({fd, 0, 3}, [{packet, 4}, binary, eof]),
    port_command(Port, <<"{\"id\":\"0000000000000000\",\"ready\":{\"protocol\":1}}">>),
    serve(Port).

%% The end of the input means stop.
serve(Port) ->
    receive
        {Port, {data, Request}} ->
            port_command(Port, reply(Request)),
            serve(Port);
        {Port, eof} ->
            init:stop()
    end.

%% A request begins with its id, so that there is one even where jiffy refuses the rest.
reply(Request) ->
    Pattern = <<"^\\s*{\\s*\"id\"\\s*:\\s*\"(\\w+)\"">>,
    case re:run(Request, Pattern, [{capture, all_but_first, binary}]) of
        {match, [Id]} -> ["{\"id\":\"", Id, "\",", answer(Request), "}"];
        nomatch -> exit(no_request)
    end.

%% Each request has a process of its own: whatever ends it ends nothing else, and its memory goes with
%% it.
answer(Request) ->
    {Pid, Monitor} = spawn_monitor(fun() -> exit({json, result(Request)}) end),
    receive
        {'DOWN', Monitor, process, Pid, {json, Json}} ->
            ["\"result\":", Json];
        {'DOWN', Monitor, process, Pid, Reason} ->
            ["\"error\":", jiffy:encode(failure(Reason), [force_utf8])]
    end.

result(Request) ->
    #{<<"event">> := Event} = Members = to_map(jiffy:decode(Request)),
    Context = maps:get(<<"context">>, Members, {[]}),
    jiffy:encode(handler:handle(to_map(Event), to_map(Context))).

to_map({Members}) -> maps:from_list(Members);
to_map(Value) -> Value.

%% What throw/1 and error/1 leave, or else exit/1, as of a process that this one was linked to.
failure({{nocatch, {Type, Message}}, Stack}) when is_atom(Type), is_binary(Message) ->
    [_ | Trace] = lines(erl_error:format_exception(throw, Type, Stack)),
    failure(Type, Message, Trace);
failure({Reason, [{_, _, _, _} | _] = Stack}) ->
    [Text | Trace] = lines(erl_error:format_exception(error, Reason, Stack)),
    case Reason of
        {Type, _} when is_atom(Type) -> failure(Type, Text, Trace);
        Type when is_atom(Type) -> failure(Type, Text, Trace);
        _ -> failure(error, Text, Trace)
    end;
failure(Reason) ->
    [Text | Trace] = lines(erl_error:format_exception(exit, Reason, [])),
    failure(exit, Text, Trace).

failure(Type, Message, Trace) ->
    #{errorType => Type, errorMessage => Message, stackTrace => Trace}.

lines(Text) ->
    Lines = string:split(unicode:characters_to_binary(Text), "\n", all),
    [string:trim(Line) || Line <- Lines].
