//! The question about a guess: tried on the real worker where there is one, answered, undone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use boxwright_build::DataDir;
use boxwright_model::Outcome;

use super::window_state::Studio;
use crate::api::{Event, Question};
use crate::directories::Directories;
use crate::failure::Code;

/// A model that says nothing of its pixels, and whose answer depends on them.
fn model() -> PathBuf {
    fs::canonicalize("../../tests/data/tasks/timm-test-vit-cls/model.onnx").unwrap()
}

fn photo(name: &str) -> PathBuf {
    fs::canonicalize("../../tests/data/tasks/photos")
        .unwrap()
        .join(name)
}

fn studio(folder: &Path, data_dir: DataDir) -> Studio {
    fs::create_dir(folder.join("net")).unwrap();
    fs::copy(model(), folder.join("net/model.onnx")).unwrap();
    let (config, cache) = (folder.join("config"), folder.join("cache"));
    Studio::at(data_dir, Directories { config, cache })
}

/// The installed worker; `None`, said aloud, where there is none.
fn installed(test: &str) -> Option<DataDir> {
    let checkout = std::path::absolute("../../dist/share/boxwright").unwrap();
    let found = [DataDir::find().ok(), Some(DataDir::at(&checkout))];
    let mut found = found.into_iter().flatten();
    let installed = |data_dir: &DataDir| data_dir.serve_program().is_file();
    found.find(installed).or_else(|| {
        println!("SKIPPED: {test}: no share folder: run `cargo xtask dist`");
        None
    })
}

/// The next question; `None` where the one that was there goes.
async fn next(events: &mut tokio::sync::broadcast::Receiver<Event>) -> Option<Question> {
    let waiting = async {
        loop {
            if let Event::Question(question) = events.recv().await.unwrap() {
                return question.map(|question| *question);
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
    waited.expect("a question")
}

fn best(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Classes(classes) => &classes[0].class,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guess_that_is_not_sure_is_asked_with_results_and_an_answer_is_one_step() {
    let Some(data_dir) = installed("question") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(folder.path(), data_dir);
    let mut events = studio.subscribe();
    let net = folder.path().join("net");
    studio.open(vec![net, photo("chelsea.png")]).await.unwrap();
    let question = next(&mut events).await.unwrap();
    let guessed = studio.state().document.unwrap().package;
    assert_eq!(question.answers[0].postprocess, guessed.postprocess);
    let bests: Vec<&str> = question
        .answers
        .iter()
        .map(|one| best(&one.outcome))
        .collect();
    assert!(bests.iter().any(|one| *one != bests[0]), "{bests:?}");
    // The guess is what the preview shows.
    let shown = studio.state().preview.samples[0].outcome.clone();
    assert_eq!(shown.as_ref().map(best), Some(bests[0]));
    assert_eq!(studio.state().question.as_ref(), Some(&question));

    let other = bests.iter().position(|one| *one != bests[0]).unwrap();
    let document = studio.answer_question(other).await.unwrap();
    assert_ne!(document.package.preprocess, guessed.preprocess);
    assert_eq!(next(&mut events).await, None);
    let undone = studio.undo().await.unwrap();
    assert_eq!(undone.package, guessed);
    assert!(!undone.can_undo, "it was one step");
    assert_eq!(next(&mut events).await, Some(question));

    studio.dismiss_question().await.unwrap();
    assert_eq!(next(&mut events).await, None);
    let refused = studio.answer_question(other).await.unwrap_err();
    assert_eq!(refused.code, Code::PackageInvalid);
    assert_eq!(studio.state().document.unwrap().package, guessed);
}

#[tokio::test]
async fn an_example_is_written_and_added_and_pictures_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = DataDir::at(&folder.path().join("nowhere"));
    let studio = studio(folder.path(), nowhere);
    studio.open(vec![folder.path().join("net")]).await.unwrap();
    let refused = studio.example_name().unwrap_err();
    assert_eq!(refused.code, Code::ShapeMismatch);

    let sound = folder.path().join("sound");
    fs::create_dir(&sound).unwrap();
    let silero = "../../tests/data/tasks/silero-vad-real/model.onnx";
    fs::copy(silero, sound.join("silero.onnx")).unwrap();
    studio.open(vec![sound.join("silero.onnx")]).await.unwrap();
    assert!(studio.state().document.unwrap().model.parameters > 500_000);
    assert_eq!(studio.example_name().unwrap(), "silero-example.npz");
    studio
        .make_example(&folder.path().join("one"))
        .await
        .unwrap();
    let written = folder.path().join("one.npz");
    assert!(written.is_file());
    let samples = studio.state().preview.samples;
    let names: Vec<&str> = samples.iter().map(|sample| &*sample.name).collect();
    assert_eq!(names, ["one.npz"]);
}
