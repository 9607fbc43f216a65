//! Handlers that do with a line that is no request what they may: no alarm, and no note.

use crate::check::Checked;

/// A story for each row: a name, Python lines behind the head.
macro_rules! right {
    ($($name:ident: $lines:expr;)*) => {$(
        #[test]
        fn $name() {
            let mut checked = Checked::only("bad-line", $lines);
            let json = crate::invoke_runtime::run(&mut checked.command).json();
            assert_eq!(json["findings"], serde_json::json!([]), "{json:#}");
        }
    )*};
}

right! {
    ends_with_a_traceback: "for request in requests(): show(serve(request))";
    ends_over_an_empty_line_too: "
for line in sys.stdin: show(serve(json.loads(line)))
";
    answers_an_error_without_an_id: "
for line in sys.stdin:
    if not line.strip(): continue
    try: show(serve(json.loads(line)))
    except ValueError: show({'id': None, 'error': 'no JSON'})
";
    answers_a_plain_error: "
for line in sys.stdin:
    if not line.strip(): continue
    try: show(serve(json.loads(line)).get('result'))
    except ValueError: show({'error': 'no JSON'})
";
    answers_an_error_with_the_id_of_the_half: "
for line in sys.stdin:
    if not line.strip(): continue
    id = line.split('\"')[3] if line.startswith('{') else None
    try: show(serve(json.loads(line)))
    except ValueError: show({'id': id, 'error': 'no JSON'})
";
    says_so_and_goes_on: "
for line in sys.stdin:
    if not line.strip(): continue
    try: show(serve(json.loads(line)))
    except ValueError as error: print(error, file=sys.stderr, flush=True)
";
    says_so_slowly_and_goes_on: "
for line in sys.stdin:
    time.sleep(0.1)
    if not line.strip(): continue
    try: show(serve(json.loads(line)))
    except ValueError as error:
        time.sleep(0.4)
        show({'error': str(error)})
";
    answers_once_and_ends: "
for line in sys.stdin:
    if not line.strip(): continue
    show(serve(json.loads(line)))
    break
";
}

#[test]
fn a_reader_of_a_stream_ends_over_the_next_line() {
    let words = ["jq", "-c", "--unbuffered", "{id, result: .event.echo}"];
    let mut checked = Checked::program(&["--only", "bad-line"], &words);
    let json = crate::invoke_runtime::run(&mut checked.command).json();
    assert_eq!(json["findings"], serde_json::json!([]), "{json:#}");
}

#[test]
fn lengths_are_kept_to() {
    let lines = "
source = sys.stdin.buffer
while head := source.read(4):
    request = source.read(int.from_bytes(head, 'big'))
    try: reply = json.dumps(serve(json.loads(request))).encode()
    except ValueError:
        print('no JSON', file=sys.stderr, flush=True)
        continue
    sys.stdout.buffer.write(len(reply).to_bytes(4, 'big') + reply)
    sys.stdout.buffer.flush()
";
    Checked::only("bad-line", lines).env("LAMBDA_STDIO_FRAMING", "length").finds(&[], 0);
}

#[test]
fn words_answer_words_where_text_was_set() {
    let words = ["sed", "-u", "s/.*/hello/"];
    let checked = Checked::program(&["--only", "bad-line"], &words);
    checked.env("LAMBDA_STDIO_REPLIES", "text").finds(&[], 0);
}
