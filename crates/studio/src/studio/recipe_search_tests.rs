use super::*;
use crate::failure::Code;
use crate::notebook_file::{Content, NamedShape};

const SAMPLES: [(u32, &str); 3] = [(1, "coffee.jpg"), (2, "pets/cat.jpg"), (3, "rocket.jpg")];

fn array(name: &str, shape: &[usize]) -> NotebookFile {
    let array = NamedShape {
        name: String::new(),
        shape: shape.to_vec(),
    };
    NotebookFile {
        path: name.into(),
        name: name.to_owned(),
        content: Ok(Content::Arrays(vec![array])),
    }
}

fn search(files: Vec<NotebookFile>) -> OpenSearch {
    let mut search = OpenSearch::new(1, "/models/cat".into());
    search.add_files(files, Vec::new());
    search
}

#[test]
fn a_file_that_names_a_photo_leaves_no_doubt() {
    for name in ["cat.npy", "Cat.NPY", "x_cat_224.npy"] {
        let mut search = search(vec![array(name, &[1, 3, 224, 224])]);
        assert!(search.propose(&SAMPLES), "{name}");
        assert_eq!(search.photos(), [2], "{name}");
    }
    let files = ["rocket.npy", "coffee.npy"].map(|name| array(name, &[3, 8, 8]));
    let mut search = search(files.to_vec());
    assert!(search.propose(&SAMPLES));
    assert_eq!(search.photos(), [3, 1], "in the order of the files");
}

#[test]
fn the_first_photos_are_proposed_where_no_name_says_which() {
    let mut two = search(vec![array("batch.npy", &[2, 3, 8, 8])]);
    assert!(!two.propose(&SAMPLES), "it may be any two of three");
    assert_eq!(two.photos(), [1, 2]);
    let mut three = search(vec![array("batch.npy", &[3, 3, 8, 8])]);
    assert!(three.propose(&SAMPLES), "as many photos as rows");
    let mut many = search(vec![array("batch.npy", &[32, 3, 8, 8])]);
    assert!(!many.propose(&SAMPLES));
    assert_eq!(many.photos(), [] as [u32; 0]);
}

#[test]
fn photos_that_are_dropped_with_the_file_are_meant() {
    let mut search = OpenSearch::new(1, "/models/cat".into());
    search.add_files(vec![array("x.npy", &[3, 8, 8])], vec![3]);
    assert!(search.propose(&SAMPLES));
    assert_eq!(search.photos(), [3]);
}

#[test]
fn a_choice_is_kept_and_ends_the_run_that_it_is_not_of() {
    let mut search = search(vec![array("cat.npy", &[3, 8, 8])]);
    assert!(search.propose(&SAMPLES));
    let (run, cancel) = search.begin();
    assert!(search.snapshot(None).started.is_some());
    assert!(!search.propose(&SAMPLES), "it is on its way");
    search.choose(RecipeChoice {
        photos: vec![1],
        evidence: Evidence::Answers,
    });
    assert!(cancel.is_cancelled());
    assert!(
        !search.finish(run, Err(Stop::Cancelled)),
        "nobody waits for it"
    );
    assert!(!search.propose(&SAMPLES));
    let shown = search.snapshot(None);
    assert_eq!((shown.photos, shown.evidence), (vec![1], Evidence::Answers));
}

#[test]
fn a_late_result_changes_nothing_and_dropping_a_search_cancels_it() {
    let mut search = search(vec![array("cat.npy", &[3, 8, 8])]);
    let (first, _) = search.begin();
    let (second, cancel) = search.begin();
    let failure = Failure::internal("too late");
    assert!(!search.finish(first, Err(failure.into())));
    assert_eq!(search.snapshot(None).status, RecipeStatus::Searching);
    assert!(search.finish(second, Err(Failure::internal("it").into())));
    assert_eq!(search.snapshot(None).status, RecipeStatus::Failed);
    let (_, cancel_last) = search.begin();
    drop(search);
    assert!(cancel_last.is_cancelled());
    assert!(!cancel.is_cancelled(), "it had ended by itself");
}

#[test]
fn files_are_added_while_choosing_and_replace_those_of_a_search() {
    let mut search = search(vec![array("cat.npy", &[3, 8, 8])]);
    search.add_files(vec![array("coffee.npy", &[3, 8, 8])], Vec::new());
    assert_eq!(search.snapshot(None).files, ["cat.npy", "coffee.npy"]);
    assert_eq!(search.snapshot(None).rows, 2);
    search.begin();
    search.add_files(vec![array("rocket.npy", &[3, 8, 8])], Vec::new());
    assert_eq!(search.snapshot(None).files, ["rocket.npy"]);
}

#[test]
fn a_file_that_cannot_be_read_fails_until_it_is_taken_off() {
    let mut broken = array("broken.npy", &[]);
    let failure = Failure::new(Code::SampleUnreadable, "broken.npy can't be read", "");
    broken.content = Err(failure.clone());
    let mut search = search(vec![broken, array("cat.npy", &[3, 8, 8])]);
    assert!(!search.propose(&SAMPLES));
    assert_eq!(search.snapshot(None).failure, Some(failure));
    search.remove_file(0);
    assert!(search.propose(&SAMPLES));
    assert_eq!(search.photos(), [2]);
}
