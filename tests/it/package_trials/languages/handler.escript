#!/usr/bin/env escript
%% A Lambda function in Erlang, with Debian's jiffy for what is JSON.
main(_) ->
    case io:get_line("") of
        eof ->
            ok;
        Line ->
            #{<<"id">> := Id, <<"event">> := #{<<"name">> := Name}} =
                jiffy:decode(unicode:characters_to_binary(Line), [return_maps]),
            Greeting = <<"Hello, ", Name/binary, "!">>,
            io:format("~ts~n", [jiffy:encode(#{id => Id, result => #{greeting => Greeting}})]),
            main([])
    end.
