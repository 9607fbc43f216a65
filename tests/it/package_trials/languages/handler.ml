(* A Lambda function in OCaml, which has no JSON of its own: this one takes what it needs out of the line. *)
let request = Str.regexp {|.*{"id":"\([a-z0-9]+\)","event":{"name":"\([^"\\]*\)"}|}

let () =
  try
    while true do
      let line = read_line () in
      if Str.string_match request line 0 then
        Printf.printf "{\"id\":\"%s\",\"result\":{\"greeting\":\"Hello, %s!\"}}\n%!"
          (Str.matched_group 1 line) (Str.matched_group 2 line)
    done
  with End_of_file -> ()
