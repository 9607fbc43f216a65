//! Handlers that are right, each in another way: no alarm.

mod bad_line;
mod compiled;
mod logs;

use super::Checked;

/// The folder of the examples.
fn example(path: &str) -> String {
    format!("{}/examples/{path}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn tagged_replies() {
    Checked::python("for request in requests(): show(serve(request))").finds(&[], 0);
}

#[test]
fn plain_replies() {
    Checked::python("for request in requests(): show([len(str(request))])").finds(&[], 0);
}

#[test]
fn replies_that_end_in_crlf() {
    let lines =
        "for request in requests(): print(json.dumps(serve(request)), end='\\r\\n', flush=True)";
    Checked::python(lines).finds(&[], 0);
}

#[test]
fn words_where_text_was_set() {
    let lines = "for request in requests(): print('hello', len(str(request)), flush=True)";
    Checked::python(lines).env("LAMBDA_STDIO_REPLIES", "text").finds(&[], 0);
}

#[test]
fn a_ready_line_where_that_was_set() {
    let lines = "show({'ready': {'protocol': 1}})\nfor request in requests(): show(serve(request))";
    Checked::python(lines).env("LAMBDA_STDIO_READY", "line").finds(&[], 0);
}

#[test]
fn replies_with_their_length() {
    let lines = "
source = sys.stdin.buffer
while head := source.read(4):
    request = json.loads(source.read(int.from_bytes(head, 'big')))
    reply = json.dumps(serve(request)).encode()
    sys.stdout.buffer.write(len(reply).to_bytes(4, 'big') + reply)
    sys.stdout.buffer.flush()
";
    Checked::python(lines).env("LAMBDA_STDIO_FRAMING", "length").finds(&[], 0);
}

#[test]
fn replies_on_a_descriptor_of_their_own() {
    let lines = "
replies = os.fdopen(7, 'w')
for request in requests():
    print('{\"a\": \"log\"}', flush=True)
    print(json.dumps(serve(request)), file=replies, flush=True)
";
    Checked::python(lines).env("LAMBDA_STDIO_REPLY_FD", "7").finds(&[], 0);
}

#[test]
fn a_program_that_answers_once_and_ends() {
    Checked::python("show(serve(next(requests(), None) or sys.exit()))").finds(&[], 0);
}

#[test]
fn an_unknown_event_is_answered_with_the_handlers_own_error() {
    let filter = r#"{id} + if (.event | type) == "object" and .event.name
        then {result: .event.echo} else {error: {errorType: "No", errorMessage: "no"}} end"#;
    Checked::program(&[], &["jq", "-c", "--unbuffered", filter]).finds(&[], 0);
}

#[test]
fn the_examples() {
    Checked::program(&[], &["python3", &example("python/handler.py")]).finds(&[], 0);
    Checked::program(&[], &[&example("bash/handler.sh")]).finds(&[], 0);
    Checked::program(&[], &[&example("jq/handler.jq")]).finds(&[], 0);
}
