//! The AWS server of these tests does what AWS does: its layer's own tests, in
//! `tests/aws/layer/tests`, with boto3.

use std::{path::Path, process::Command};

use crate::support::moto::python;

#[test]
fn the_layer_on_moto_does_what_aws_does() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws");
    let tests = Command::new(python())
        .args([
            "-B",
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "layer/tests",
            "--top-level-directory",
            ".",
        ])
        .current_dir(here)
        .output()
        .expect("moto's python runs");
    let told = String::from_utf8_lossy(&tests.stderr);
    assert!(tests.status.success(), "{told}");
    assert!(!told.contains("Ran 0 tests"), "{told}");
}
