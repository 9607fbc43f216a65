%% The function itself: an event in, a result out, an exception where it cannot.
%%
%% An event that is an object comes as a map.  Objects inside it come as jiffy's {[{Name, Value}]},
%% which keeps the order of their members.
-module(handler).

-export([handle/2]).

-include_lib("kernel/include/logger.hrl").

%% throw({Type, Message}), an atom and a binary, is what the caller gets as errorType and errorMessage.
handle(#{<<"fail">> := Reason}, _Context) when is_binary(Reason) ->
    throw({'ExampleError', Reason});
handle(#{<<"echo">> := Value}, _Context) ->
    Value;
handle(#{<<"name">> := Name}, _Context) when is_binary(Name) ->
    ?LOG_NOTICE("greeting ~ts", [Name]),
    #{greeting => <<"Hello, ", Name/binary, "!">>};
handle(_Event, _Context) ->
    throw({'BadEvent', <<"expected name, fail or echo">>}).
