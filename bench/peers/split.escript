%% The chat model's split of a message record in Erlang, as code_change does it: all that is reachable from a process's state is built anew.
%% In a list or in a map, as the second argument says.
%%
%% Prints: split, whether all is right, nanoseconds of the stop, of the stop and a first pass, and the peak of resident bytes.

-mode(compile).
-record(message, {sender, room, text}).
-record(user_message, {sender, room, text}).
-record(info_message, {room, text}).

split(#message{sender = none, room = Room, text = Text}) -> #info_message{room = Room, text = Text};
split(#message{sender = Sender, room = Room, text = Text}) ->
    #user_message{sender = Sender, room = Room, text = Text}.

text(#user_message{text = Text}) -> Text;
text(#info_message{text = Text}) -> Text.

message(I) ->
    #message{sender = case I rem 2 of 1 -> {user, 1}; 0 -> none end, room = {room, 1}, text = I}.

is_right({I, #user_message{text = I}}) -> I rem 2 =:= 1;
is_right({I, #info_message{text = I}}) -> I rem 2 =:= 0;
is_right(_) -> false.

peak() ->
    {ok, Status} = file:open("/proc/self/status", [read]),
    peak(Status, file:read_line(Status)).
peak(_, {ok, "VmHWM:" ++ Rest}) ->
    {Kilobytes, _} = string:to_integer(string:trim(Rest)),
    Kilobytes * 1024;
peak(Status, {ok, _}) -> peak(Status, file:read_line(Status)).

now_ns() -> erlang:monotonic_time(nanosecond).

measure("list", Count) ->
    Messages = [message(I) || I <- lists:seq(0, Count - 1)],
    garbage_collect(),
    Start = now_ns(),
    New = lists:map(fun split/1, Messages),
    Stop = now_ns() - Start,
    Texts = lists:foldl(fun(Each, Sum) -> Sum + text(Each) end, 0, New),
    {Stop, now_ns() - Start, Texts, lists:all(fun is_right/1, lists:zip(lists:seq(0, Count - 1), New))};
measure("map", Count) ->
    Messages = maps:from_list([{I, message(I)} || I <- lists:seq(0, Count - 1)]),
    garbage_collect(),
    Start = now_ns(),
    New = maps:map(fun(_, Each) -> split(Each) end, Messages),
    Stop = now_ns() - Start,
    Texts = maps:fold(fun(_, Each, Sum) -> Sum + text(Each) end, 0, New),
    {Stop, now_ns() - Start, Texts, lists:all(fun is_right/1, maps:to_list(New))}.

main([Kind, CountText]) ->
    Count = list_to_integer(CountText),
    {Stop, Total, Texts, AreRight} = measure(Kind, Count),
    Right = case AreRight andalso Texts =:= Count * (Count - 1) div 2 of true -> 1; false -> 0 end,
    io:format("split\t~b\t~b\t~b\t~b~n", [Right, Stop, Total, peak()]).
