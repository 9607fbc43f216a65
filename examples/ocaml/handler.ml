(* A Lambda function in OCaml: reads a line, prints a line.  The JSON is Yojson's. *)

exception ExampleError of string

(* The string of a literal, which Yojson.Raw leaves as it was written, quotes and escapes included. *)
let text literal = Yojson.Safe.(Util.to_string (from_string literal))

(* The function itself: an event in, a result out, an exception where it cannot. *)
let handle (event : Yojson.Raw.t) : Yojson.t =
  match event with
  | `Assoc members -> (
      let member name = List.assoc_opt name members in
      match (member "fail", member "echo", member "name") with
      | Some (`Stringlit reason), _, _ -> raise (ExampleError (text reason))
      | _, Some value, _ -> (value :> Yojson.t)
      | _, _, Some (`Stringlit literal) ->
          let name = text literal in
          Printf.printf "greeting %s\n" name; (* a log line *)
          `Assoc [ ("greeting", `String ("Hello, " ^ name ^ "!")) ]
      | _ -> raise (ExampleError "expected a name, fail or echo"))
  | _ -> raise (ExampleError "expected an object with a name, fail or echo")

(* What follows is the loop, to be kept as it is. *)

(* Replies get a copy of standard output, and standard output itself becomes the log, so that
   no print can land in the middle of a reply. *)
let replies = Unix.(out_channel_of_descr (dup stdout))
let () = Unix.(dup2 stderr stdout)

let failure error stack : Yojson.t =
  let slot = Printexc.exn_slot_name error in
  let name = List.hd (List.rev (String.split_on_char '.' slot)) in
  let message =
    match error with
    | ExampleError message | Failure message | Invalid_argument message -> message
    | _ -> Printexc.to_string error
  in
  let frames = List.filter (( <> ) "") (String.split_on_char '\n' stack) in
  `Assoc
    [ ("errorType", `String name);
      ("errorMessage", `String message);
      ("stackTrace", `List (List.map (fun frame -> `String frame) frames)) ]

(* One reply to one request, tagged with the request's id. *)
let answer line =
  let reply id said = Yojson.to_string ~std:true (`Assoc [ ("id", id); said ]) in
  match Yojson.Raw.from_string line with
  | `Assoc (("id", id) :: ("event", event) :: _) ->
      let reply = reply (id :> Yojson.t) in
      (try reply ("result", handle event)
       with error -> reply ("error", failure error (Printexc.get_backtrace ())))
  | _ -> failwith "the line is no request"
  | exception error when String.starts_with ~prefix:{|{"id":"|} line && String.length line > 23 ->
      (* What Yojson refuses is answered too: the id stands at a fixed place. *)
      reply (`String (String.sub line 7 16)) ("error", failure error "")

let rec loop () =
  match input_line stdin with
  | exception End_of_file -> ()
  | line ->
      (* A space may come before the first line, and then nothing at all. *)
      if String.trim line <> "" then (
        let reply = answer (String.trim line) in
        flush stdout;
        output_string replies (reply ^ "\n");
        (* A pipe is not a terminal: OCaml would keep the reply back. *)
        flush replies);
      loop ()

let () =
  Printexc.record_backtrace true;
  loop ()
