//! Trials, as a new user makes them: programs of languages with compilers and runtimes of their own are
//! built from source by their own tools, packaged by what one types, and answer from their zips.

mod languages;

use crate::desk::{Desk, findings, readme};

const ZOE: &str = "{\"name\":\"Zoë\"}";
const ADA: &str = "{\"greeting\":\"Hello, Ada!\"}";
const GREETING: &str = "{\"greeting\":\"Hello, Zoë!\"}";

#[test]
fn a_haskell_program_answers_by_the_targets_libgmp_and_libffi() {
    let Some(desk) = Desk::with("package_trials/haskell", &["ghc", "readelf"]) else { return };
    let source = std::fs::read_to_string(desk.at("handler.hs")).unwrap();
    let (_, function) = source.split_once("import System.IO\n\n").unwrap();
    assert!(readme().contains(function), "the README has another function");
    desk.answers_as_the_readme_says(
        "ghc handler.hs && lambda-stdio package --verify-event '{\"name\":\"Ada\"}' ./handler",
        ADA,
    );
    let needed = desk.needed("handler");
    for library in ["libgmp.so.10", "libffi.so.8"] {
        assert!(needed.iter().any(|name| name == library), "{needed:?}");
    }
    let said = desk.types(&format!("lambda-stdio package --json --verify-event '{ZOE}' ./handler"));
    let json = said.json();
    assert_eq!(json["verified"]["message"], GREETING, "{json}");
    assert_eq!(json["libraries"].as_array().unwrap().len(), 0, "the target has them all: {json}");

    // It knows no event without a name, and the finding says what it said of it and what to do.
    let said = desk.types("lambda-stdio package ./handler");
    assert_eq!((findings(&said), said.code), (vec!["error P024 function.zip".to_owned()], Some(3)));
    assert!(said.err.contains("key \"name\" not found"), "{said:?}");
    assert!(said.err.contains("give another event with --verify-event"), "{said:?}");
}

#[test]
fn a_haskell_program_that_is_linked_statically_runs_on_an_older_target_too() {
    let Some(desk) = Desk::with("package_trials/haskell", &["ghc", "readelf", "unzip"]) else {
        return;
    };
    desk.builds("ghc handler.hs && cp handler dynamic");
    let said = desk.types("lambda-stdio package --target al2 ./dynamic");
    assert_eq!(findings(&said)[0], "error P006 dynamic", "{said:?}");
    assert!(said.err.contains("hint: link it statically, "), "{said:?}");

    desk.builds("rm handler.o && ghc -optl-static -optl-pthread handler.hs");
    assert_eq!(desk.needed("handler"), [""; 0]);
    let package = format!("lambda-stdio package --verify-event '{ZOE}'");
    desk.answers(&format!("{package} ./handler"), GREETING);
    desk.answers_unpacked("handler", ZOE, GREETING);
    let said = desk.types(&format!("{package} --target al2 ./handler"));
    assert_eq!(
        (findings(&said), said.code),
        (vec!["warning P023 provided.al2".to_owned()], Some(0))
    );
    assert!(said.out.contains(&format!("it answered {GREETING}\n")), "{said:?}");
}

#[test]
fn what_raco_distribute_makes_answers_where_the_c_library_is_as_new_as_here() {
    let Some(desk) = Desk::with("package_trials/racket", &["raco", "unzip"]) else { return };
    desk.builds("raco exe handler.rkt");
    let said = desk.types("lambda-stdio package ./handler");
    assert_eq!((findings(&said), said.code), (vec!["error P024 function.zip".to_owned()], Some(3)));
    // What was made so starts the Racket that made it, so it goes through `raco distribute`.
    assert!(said.err.contains("failed to start") && said.err.contains("racket"), "{said:?}");

    let packaged = "--include dist dist/bin/handler";
    desk.does_as_the_readme_says(&format!(
        "raco exe handler.rkt && raco distribute dist handler && \
         lambda-stdio package --target image {packaged}"
    ));
    let package = format!("lambda-stdio package --target image --verify-event '{ZOE}' {packaged}");
    desk.answers_as_an_image(&package, GREETING);
    desk.answers_unpacked("dist/bin/handler", ZOE, GREETING);
    let said = desk.types(&format!("lambda-stdio package {packaged}"));
    let [finding] = findings(&said).try_into().unwrap_or_else(|_| panic!("{said:?}"));
    assert!(finding.starts_with("error P006 dist/lib/plt/racketcs-"), "{said:?}");
    assert!(said.err.contains(", or deploy an image"), "{said:?}");
    // In a root of which only that is not said it needs nothing else of this machine.
    desk.knows_a_target_with_a_newer_c_library("newer.json");
    let package =
        format!("lambda-stdio package --target newer.json --verify-event '{ZOE}' {packaged}");
    desk.answers(&package, GREETING);
    let said = desk.types(&format!("lambda-stdio package --target newer.json {packaged}"));
    assert!(said.out.contains("answered with an error of its own, exn:fail: hash-ref"), "{said:?}");
}

#[test]
fn a_mix_release_answers_with_its_own_beam() {
    let Some(desk) = Desk::with("package_trials/elixir", &["mix", "erl", "unzip"]) else { return };
    desk.answers_as_the_readme_says(
        "MIX_ENV=prod mix release && lambda-stdio package --verify-event '{\"name\":\"Ada\"}' \
         --include _build/prod/rel/greeter _build/prod/rel/greeter/bin/greeter start",
        ADA,
    );
    desk.answers_unpacked("greeter/bin/greeter start", ZOE, GREETING);
}

#[test]
fn a_program_for_a_newer_c_library_is_refused_and_each_cure_that_is_named_works() {
    let Some(desk) = Desk::with("package_trials/c", &["cc"]) else { return };
    let event = "--verify-event '{\"x\":3,\"y\":4}'";
    let distance = "{\"distance\":5.0}";
    desk.builds("cc -o handler handler.c -ljansson -lm");
    let said = desk.types(&format!("lambda-stdio package {event} ./handler"));
    assert_eq!((findings(&said), said.code), (vec!["error P006 handler".to_owned()], Some(3)));
    let finding = "it needs GLIBC_2.35 of libm.so.6, and provided.al2023 has 2.34";
    assert!(said.err.contains(finding), "{said:?}");
    let cures = "link it statically, build it on a system as old as the target's (Amazon Linux 2023, \
                 Debian 11), or deploy an image";
    assert!(said.err.contains(cures) && !desk.at("function.zip").exists(), "{said:?}");

    desk.builds("cc -static -o handler-static handler.c -ljansson -lm");
    desk.answers(&format!("lambda-stdio package {event} ./handler-static"), distance);
    let package = format!("lambda-stdio package --target image {event} ./handler");
    desk.answers_as_an_image(&package, distance);
    desk.answers_unpacked("handler", "{\"x\":3,\"y\":4}", distance);
}
