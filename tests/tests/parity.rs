//! The pipeline's numbers against Pillow's, by the command line: models that give back what they
//! are fed, in packages with all kinds of pictures, filters and tensors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use boxwright_tests::{Sandbox, need, parity, programs, venv};

#[test]
fn what_the_model_sees_is_what_pillow_gives() {
    let python = programs::checkout().join("tests/python");
    let interpreter = need!(venv::python(&python.join("requirements.txt")));
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/cases");
    let photos = programs::sample().join("images");
    let script = python.join("parity_cases.py");
    venv::run_script(&interpreter, &script, &[&folder, &photos]);
    let found = parity::check(&sandbox, &folder);
    assert!(found.cases > 60, "{} cases", found.cases);
    assert!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
}
