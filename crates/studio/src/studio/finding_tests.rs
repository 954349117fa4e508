//! The search for a recipe as the window opens, uses and closes it. No worker is needed.

use std::fs;
use std::path::{Path, PathBuf};

use boxwright_build::DataDir;
use boxwright_model::recipe::{Evidence, Recipe, RecipeReport, Verdict};

use super::window_state::Studio;
use crate::api::{RecipeFinding, RecipeStatus, State};
use crate::directories::Directories;
use crate::recipe::RecipeAnswer;

/// A studio without a share folder, the folder of its files, and an array of one photo there.
fn studio() -> (Studio, tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let directories = Directories {
        config: path("config"),
        cache: path("cache"),
    };
    fs::create_dir(path("model")).unwrap();
    fs::copy(sample().join("model.onnx"), path("model/model.onnx")).unwrap();
    let array = path("cat.npy");
    fs::write(&array, npy("(3, 8, 8)", 3 * 8 * 8)).unwrap();
    let studio = Studio::at(DataDir::at(&path("nowhere")), directories);
    (studio, folder, array)
}

fn sample() -> PathBuf {
    fs::canonicalize("../../samples/efficientnet-lite0").unwrap()
}

fn npy(shape: &str, count: usize) -> Vec<u8> {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(std::iter::repeat_n(0, count));
    file
}

/// A model with the sample's photos and an array of one of them.
async fn searching(studio: &Studio, folder: &Path, array: &Path) -> State {
    let given = [folder.join("model"), sample().join("images"), array.into()];
    studio.open(given.to_vec()).await.unwrap();
    studio.state()
}

/// Ends the run that goes on with a recipe that changes the package's.
fn find(studio: &Studio, change: impl FnOnce(&mut Recipe)) -> RecipeFinding {
    let mut state = studio.inner.lock();
    let package = state.document.as_ref().unwrap().package().clone();
    let preprocess = package.preprocess.clone();
    let mut recipe = Recipe {
        preprocess,
        layout: boxwright_model::package::Layout::Nchw,
        dtype: boxwright_model::package::ImageDtype::F32,
        size: None,
        stride: None,
    };
    recipe = Recipe::of(&package, &recipe);
    change(&mut recipe);
    let report = RecipeReport {
        out_of_time: false,
        verdict: Verdict::Exact,
        evidence: Evidence::Tensors,
        recipe: Some(recipe),
        same: Vec::new(),
        max_difference: 0.0,
        mean_difference: 0.0,
        differing: 0,
        compared: 192,
        elapsed_ms: 1.0,
    };
    let search = state.recipe.as_mut().unwrap();
    let (run, _) = search.begin();
    let heat_map = Some(bytes::Bytes::from_static(b"jpeg"));
    assert!(search.finish(run, Ok(RecipeAnswer { report, heat_map })));
    drop(state);
    let shown = studio.state().recipe.unwrap();
    assert_eq!(shown.status, RecipeStatus::Found);
    assert_eq!(studio.heat_map(shown.id, shown.run).unwrap(), b"jpeg");
    assert_eq!(studio.heat_map(shown.id, shown.run + 1), None);
    assert_eq!(studio.heat_map(shown.id + 1, shown.run), None);
    shown.answer.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_a_sample_alone_and_a_search_beside_a_model_that_takes_pictures() {
    let (studio, folder, array) = studio();
    studio.open(vec![array.clone()]).await.unwrap();
    let state = studio.state();
    assert_eq!((state.preview.samples.len(), state.recipe), (1, None));
    studio.clear_samples().await.unwrap();

    let state = searching(&studio, folder.path(), &array).await;
    let search = state.recipe.unwrap();
    let cat = state
        .preview
        .samples
        .iter()
        .find(|one| one.name == "cat.jpg");
    assert_eq!(search.photos, [cat.unwrap().id]);
    assert_eq!((search.files, search.rows), (vec!["cat.npy".to_owned()], 1));
    assert_ne!(search.status, RecipeStatus::Choosing, "it began by itself");
    assert_eq!(state.preview.samples.len(), 5, "the array is no sample");

    studio.close_recipe(search.id + 1).await.unwrap();
    assert!(studio.state().recipe.is_some(), "that is another one");
    studio.cancel_recipe().await.unwrap();
    let status = |state: State| state.recipe.unwrap().status;
    assert_eq!(status(studio.state()), RecipeStatus::Choosing);
    studio.close_document().await.unwrap();
    assert_eq!(studio.state().recipe, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_that_is_used_is_one_step_to_undo() {
    let (studio, folder, array) = studio();
    let state = searching(&studio, folder.path(), &array).await;
    let before = state.document.unwrap().package;
    let finding = find(&studio, |recipe| recipe.preprocess.mean = vec![1.5]);
    let change = finding.changes.first().unwrap();
    assert_eq!((finding.changes.len(), change.field.as_str()), (1, "mean"));
    assert_eq!(change.found, "[1.5]");

    let document = studio.use_recipe(None).await.unwrap();
    assert_eq!(document.package.preprocess.mean, [1.5]);
    assert!(document.dirty && document.can_undo);
    assert_eq!(studio.state().recipe, None);
    assert_eq!(studio.undo().await.unwrap().package, before);
    let failure = studio.use_recipe(None).await.unwrap_err();
    assert_eq!(failure.message, "there is no recipe to use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_that_the_package_has_changes_nothing() {
    let (studio, folder, array) = studio();
    let revision = searching(&studio, folder.path(), &array).await.document;
    let finding = find(&studio, |_| {});
    assert!(finding.in_package && finding.changes.is_empty());
    let document = studio.use_recipe(None).await.unwrap();
    assert!(!document.can_undo);
    assert_eq!(document.revision, revision.unwrap().revision);
}
