//! What is played under both emulators: programs and the events they are given.

/// One program and what it is given, one event after another.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) program: Program,
    pub(super) timeout_seconds: u32,
    /// What the program does before it asks for anything.
    pub(super) at_start: Option<&'static str>,
    pub(super) calls: Vec<Call>,
    /// Whether what it sees around itself is compared too.
    pub(super) looks_around: bool,
}

/// What stands behind the Runtime API.
#[derive(Clone, Copy)]
pub(super) enum Program {
    /// Our bootstrap with `handler.py`.
    Bridge,
    /// Our bootstrap with a program that is not there.
    BridgeOfNothing,
    /// Our bootstrap with a program that ends at once, quickly enough to do so five times in any init.
    BridgeOfFailure,
    /// The runtime that breaks rules on request.
    Raw,
}

/// One event and what its caller says beside it.
pub(super) struct Call {
    pub(super) event: Vec<u8>,
    pub(super) client_context: Option<&'static str>,
    pub(super) tenant: Option<&'static str>,
}

fn call(event: impl Into<Vec<u8>>) -> Call {
    Call { event: event.into(), client_context: None, tenant: None }
}

/// Long enough for a machine that plays several scenes at once.
const AMPLE_SECONDS: u32 = 12;
/// For what runs out of time: enough for a start and a reply before it.
const SHORT_SECONDS: u32 = 5;

fn scene(name: &'static str, program: Program, events: &[&str]) -> Scene {
    let calls = events.iter().map(|event| call(*event)).collect();
    let timeout_seconds = AMPLE_SECONDS;
    Scene { name, program, timeout_seconds, at_start: None, calls, looks_around: false }
}

pub(super) fn all() -> Vec<Scene> {
    let mut scenes = with_our_bootstrap();
    scenes.extend(with_a_runtime_that_breaks_rules());
    scenes
}

fn with_our_bootstrap() -> Vec<Scene> {
    let bridge = |name, events: &[&str]| scene(name, Program::Bridge, events);
    let large = format!("\"{}\"", "x".repeat(6 * 1024 * 1024 - 2));
    let oversize = format!("\"{}\"", "x".repeat(7 * 1024 * 1024));
    vec![
        bridge(
            "replies",
            &[
                r#"{"a":1,"a":2, "é":"\ud800"}"#,
                "1",
                "null",
                "[1e999,-0.0,1.10,12345678901234567890123,1E+2]",
                "[ ]",
                "\"two words\"",
                &large,
            ],
        ),
        bridge("several in a row", &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]),
        bridge(
            "errors",
            &[
                r#"{"do":"error","error":{"errorType":"Mine.Bad","errorMessage":"é","stackTrace":["at one"]}}"#,
                r#"{"do":"error","error":{"errorType":"Function.Mine","errorMessage":"no"}}"#,
                r#"{"do":"error","error":"only words"}"#,
                r#"{"do":"error","error":{}}"#,
                "1",
            ],
        ),
        bridge("events that are no JSON", &["", " ", "{bad", "1 2", "\u{feff}1", "\"ok\""]),
        bridge(
            "crashes",
            &[
                r#"{"do":"exit","status":3}"#,
                r#"{"do":"exit","status":0}"#,
                r#"{"do":"kill","signal":9}"#,
                "1",
            ],
        ),
        scene("handler ends in init", Program::BridgeOfFailure, &["1"]),
        scene("no such program", Program::BridgeOfNothing, &["1"]),
        Scene { at_start: Some("slow"), ..bridge("slow init", &["1", "2"]) },
        Scene {
            timeout_seconds: SHORT_SECONDS,
            ..bridge("timeout", &["0", r#"{"do":"sleep"}"#, "1"])
        },
        bridge("too large a response", &[r#"{"do":"large","bytes":6291555}"#, "1"]),
        bridge("oversize event", &[&oversize, "1"]),
        bridge("log output", &[r#"{"do":"print"}"#, "1"]),
        bridge("bootstrap killed", &["0", r#"{"do":"signal the bootstrap","signal":9}"#, "1"]),
        Scene {
            timeout_seconds: SHORT_SECONDS,
            ..bridge(
                "bootstrap stopped",
                &["0", r#"{"do":"signal the bootstrap","signal":19}"#, "1"],
            )
        },
        Scene {
            calls: vec![
                Call {
                    event: b"1".to_vec(),
                    client_context: Some(r#"{"custom":{"key":"vàlue"},"n":1.0}"#),
                    tenant: Some("blue"),
                },
                call("2"),
            ],
            looks_around: true,
            ..bridge("what a handler sees", &[])
        },
    ]
}

fn with_a_runtime_that_breaks_rules() -> Vec<Scene> {
    const REPLY: &str = r#"[["post","invocation/ID/response","1"]]"#;
    let raw = |name, events: &[&str]| scene(name, Program::Raw, events);
    vec![
        Scene { looks_around: true, ..raw("raw: what a runtime sees", &[REPLY]) },
        raw(
            "raw: a response that is no JSON",
            &[r#"[["post","invocation/ID/response","{'no'",{"Content-Type":"x/y"}]]"#, REPLY],
        ),
        raw("raw: an empty response", &[r#"[["post","invocation/ID/response",""]]"#]),
        raw(
            "raw: errors",
            &[
                r#"[["post","invocation/ID/error","{\"mine\": 1}",{"Lambda-Runtime-Function-Error-Type":"Function.Mine"}]]"#,
                r#"[["post","invocation/ID/error","not JSON",{"Lambda-Runtime-Function-Error-Type":"mine"}]]"#,
                r#"[["post","invocation/ID/error","",{"Lambda-Runtime-Function-Error-Type":"Function.Mine"}]]"#,
                r#"[["post","invocation/ID/error","{}"]]"#,
            ],
        ),
        raw(
            "raw: exits",
            &[r#"[["exit",1]]"#, r#"[["exit",0]]"#, r#"[["kill",9]]"#, r#"[["kill",11]]"#, REPLY],
        ),
        raw(
            "raw: exits behind its answer",
            &[r#"[["post","invocation/ID/response","1"],["exit",4]]"#, REPLY],
        ),
        Scene { at_start: Some(r#"[["exit",5]]"#), ..raw("raw: exits in init", &["[]", "[]"]) },
        Scene {
            at_start: Some(
                r#"[["post","init/error","{\"mine\":1}",{"Lambda-Runtime-Function-Error-Type":"Function.Mine"}],["exit",1]]"#,
            ),
            ..raw("raw: init error", &["[]", "[]"])
        },
        Scene {
            at_start: Some(
                r#"[["post","init/error","{}"],["post","init/error","{}"],["again"],["exit",1]]"#,
            ),
            ..raw("raw: two init errors", &["[]"])
        },
        Scene {
            at_start: Some(
                r#"[["print","in init","on stderr"],["post","invocation/none/response","1"]]"#,
            ),
            ..raw("raw: posts before it asks", &[REPLY])
        },
        raw(
            "raw: too large a response",
            &[
                r#"[["large",6291557],["post","invocation/ID/error","{}"]]"#,
                r#"[["large",6291556]]"#,
            ],
        ),
        raw(
            "raw: unknown ids",
            &[
                r#"[["post","invocation/nobody/response","1"],["post","invocation/nobody/error","{}"],["post","invocation/ID/response","2"]]"#,
            ],
        ),
        raw(
            "raw: second posts",
            &[
                r#"[["post","invocation/ID/response","1"],["post","invocation/ID/response","2"],["post","invocation/ID/error","{}"]]"#,
                r#"[["post","invocation/OLD/response","late"],["post","invocation/ID/error","{}"],["post","invocation/ID/response","2"]]"#,
            ],
        ),
        raw(
            "raw: init error in an invocation",
            &[r#"[["post","init/error","{}"],["post","invocation/ID/response","2"]]"#],
        ),
        Scene {
            timeout_seconds: SHORT_SECONDS,
            ..raw("raw: timeout", &[REPLY, r#"[["sleep",60]]"#, REPLY])
        },
        Scene {
            timeout_seconds: SHORT_SECONDS,
            ..raw(
                "raw: response modes",
                &[
                    r#"[["post","invocation/ID/response","1",{"Lambda-Runtime-Function-Response-Mode":"Streaming"}],["post","invocation/ID/response","2"]]"#,
                    r#"[["stream",["{\"statusCode\":200}","\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000","one ","two"],{"Lambda-Runtime-Function-Response-Mode":"streaming","Content-Type":"application/vnd.awslambda.http-integration-response"},{}]]"#,
                    r#"[["stream",["half"],{"Lambda-Runtime-Function-Response-Mode":"streaming"},{"Lambda-Runtime-Function-Error-Type":"Function.Broken","Lambda-Runtime-Function-Error-Body":"e30="}]]"#,
                    REPLY,
                ],
            )
        },
        Scene {
            timeout_seconds: SHORT_SECONDS,
            ..raw("raw: half a response", &[r#"[["half"]]"#, REPLY])
        },
        raw(
            "raw: asks before it answers",
            &[r#"[["again"],["post","invocation/ID/response","1"]]"#],
        ),
    ]
}
