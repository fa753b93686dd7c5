//! Runs the program as a shell does, where no stack is needed: arguments in,
//! text and exit code out.

use std::process::{Command, Output};

fn sagevpc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sagevpc"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn printed(arguments: &[&str]) -> String {
    let output = sagevpc(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "sagevpc {}: {error}", arguments.join(" "));
    String::from_utf8(output.stdout).expect("it prints text")
}

#[test]
fn explain_lists_the_kinds_and_explains_each() {
    let list = printed(&["explain"]);
    let kinds: Vec<&str> = list
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(kinds.len(), 11, "{list}");
    for kind in kinds {
        let text = printed(&["explain", kind]);
        assert!(text.starts_with(&format!("{kind}: ")), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&printed(&["explain", kind, "-o", "json"])).expect("it prints JSON");
        assert_eq!(json["kind"], kind);
    }
}

#[test]
fn explain_says_which_kinds_there_are() {
    let output = sagevpc(&["explain", "Pipeline"]);
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("Compilation, Hosting"), "{error}");
}
