//! The largest objects that the schemas admit: the API server and etcd take
//! them, and a status stays small. And the examples: the API server takes them.

mod largest;
mod longest;

use std::{fs, path::Path, process::Stdio};

use largest::{Filler, Unbounded, largest};
use serde_json::{Value, json};

use super::fixture::Stack;

/// What a status may take, so that it fits into etcd's 1.5 MiB beside the largest
/// spec, in which each character takes four bytes. Ours are cut by their bytes.
///
/// See <https://etcd.io/docs/v3.6/dev-guide/limit/>.
const STATUS_BYTES: usize = 256 * 1024;

const NAMESPACE: &str = "largest";

#[test]
fn the_largest_objects_are_taken_whole() {
    let stack = Stack::start();
    kubectl(&stack, &["create", "namespace", NAMESPACE], "");
    for crd in crds() {
        for filler in [Filler::OneByte, Filler::FourBytes] {
            let (object, _) = filled(&crd, filler);
            let (_, status) = filled(&crd, Filler::OneByte);
            let text = |value: &Value| value.to_string();
            kubectl(&stack, &["create", "-f", "-"], &text(&object));
            let mut whole = object.clone();
            whole["status"] = status.clone();
            let stored = kubectl(
                &stack,
                &["replace", "--subresource=status", "-o", "json", "-f", "-"],
                &text(&whole),
            );
            let stored: Value = serde_json::from_str(&stored).unwrap();
            assert_eq!(stored["spec"], object["spec"], "{}", object["kind"]);
            assert_eq!(stored["status"], status, "{}", object["kind"]);
            kubectl(&stack, &["delete", "-f", "-"], &text(&object));
        }
    }
}

#[test]
fn the_largest_status_stays_under_256_kib() {
    for crd in crds() {
        let (object, status) = filled(&crd, Filler::OneByte);
        let bytes = status.to_string().len();
        assert!(
            bytes <= STATUS_BYTES,
            "a status of {} can take {bytes} bytes: lower the bounds in crates/sagevpc-core/src/api/bounds.rs. By field: {:?}",
            object["kind"],
            status
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name, value.to_string().len()))
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn a_field_without_a_bound_is_named() {
    let schema = json!({ "type": "object", "properties": {
        "list": { "type": "array", "items": { "type": "integer" } },
        "map": { "type": "object", "maxProperties": 2, "additionalProperties": { "type": "string", "maxLength": 1 } },
        "objects": { "type": "array", "maxItems": 1, "items": {
            "type": "object",
            "properties": { "text": { "type": "string" }, "bounded": { "type": "string", "maxLength": 3 } },
        } },
        "any": { "x-kubernetes-preserve-unknown-fields": true },
    } });
    let Err(Unbounded(fields)) = largest(&schema, "spec", Filler::OneByte) else {
        panic!("fields without a bound are let through");
    };
    assert_eq!(
        fields,
        ["spec.any", "spec.list", "spec.map{key}", "spec.objects[].text"]
    );
}

#[test]
fn the_examples_are_taken() {
    let stack = Stack::shared();
    let folder = repository("deploy/examples");
    let examples: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    assert!(!examples.is_empty(), "{}", folder.display());
    for example in examples {
        let text = fs::read_to_string(&example).unwrap();
        // A dry run makes no namespace for what follows it.
        for namespace in text
            .split("\n---\n")
            .filter(|document| document.contains("kind: Namespace"))
        {
            kubectl(stack, &["apply", "-f", "-"], namespace);
        }
        kubectl(stack, &["apply", "--dry-run=server", "-f", "-"], &text);
    }
}

/// The generated CustomResourceDefinitions.
fn crds() -> Vec<Value> {
    let found: Vec<Value> = fs::read_dir(repository("crds"))
        .unwrap()
        .map(|entry| serde_saphyr::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap())
        .collect();
    assert_eq!(found.len(), 2, "there are two kinds");
    found
}

/// The largest object of a kind, and its largest status.
fn filled(crd: &Value, filler: Filler) -> (Value, Value) {
    let version = &crd["spec"]["versions"][0];
    let schema = &version["schema"]["openAPIV3Schema"]["properties"];
    let part = |name: &str| {
        largest(&schema[name], name, filler)
            .unwrap_or_else(|Unbounded(fields)| panic!("without a bound: {}", fields.join(", ")))
    };
    let mut object = json!({
        "apiVersion": format!("{}/{}", crd["spec"]["group"].as_str().unwrap(), version["name"].as_str().unwrap()),
        "kind": crd["spec"]["names"]["kind"],
        "metadata": { "name": "n".repeat(63) },
        "spec": part("spec"),
    });
    if crd["spec"]["scope"] == "Namespaced" {
        object["metadata"]["namespace"] = json!(NAMESPACE);
    }
    (object, part("status"))
}

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What kubectl prints.
#[track_caller]
fn kubectl(stack: &Stack, arguments: &[&str], input: &str) -> String {
    let mut command = stack.command("kubectl");
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().expect("kubectl is on the PATH");
    std::io::Write::write_all(&mut process.stdin.take().expect("stdin is piped"), input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {}: {error}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
