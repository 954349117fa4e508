//! The window without a window, on the real worker where there is one.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use boxwright_build::{Builder, DataDir, Target};
use boxwright_model::Outcome;
use tokio::sync::broadcast::Receiver;

use super::window_state::Studio;
use crate::api::{
    Event, JobResult, JobStatus, PreviewStatus, PublishRequest, PublishTo, Sample, SignIn, State,
};
use crate::directories::Directories;
use crate::failure::Code;
use crate::job_kinds::persisted::JobFile;
use crate::job_kinds::{ImageSource, JobRequest, PublishJob};

const PATIENCE: Duration = Duration::from_secs(60);

struct Window {
    studio: Studio,
    events: Receiver<Event>,
    folder: tempfile::TempDir,
}

impl Window {
    /// A window on a copy of the sample package; `None`, said aloud, where no worker is installed.
    async fn open(test: &str) -> Option<Self> {
        let data_dir = match DataDir::find() {
            Ok(data_dir) if data_dir.serve_program().is_file() => data_dir,
            _ => share_of_checkout().or_else(|| {
                println!("SKIPPED: {test}: no share folder: run `cargo xtask dist`");
                None
            })?,
        };
        let folder = tempfile::tempdir().unwrap();
        let window = Self::at(data_dir, folder);
        window.copy_sample();
        Some(window)
    }

    fn at(data_dir: DataDir, folder: tempfile::TempDir) -> Self {
        let (config, cache) = (folder.path().join("config"), folder.path().join("cache"));
        let studio = Studio::at(data_dir, Directories { config, cache });
        Self {
            events: studio.subscribe(),
            studio,
            folder,
        }
    }

    fn copy_sample(&self) {
        fs::create_dir(self.package()).unwrap();
        for name in ["model.onnx", "labels.txt"] {
            fs::copy(sample().join(name), self.package().join(name)).unwrap();
        }
    }

    fn package(&self) -> PathBuf {
        self.folder.path().join("cat")
    }

    async fn until<T>(&mut self, what: &str, check: impl Fn(&State, &Event) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.recv().await.unwrap();
                if let Some(found) = check(&self.studio.state(), &event) {
                    return found;
                }
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("no {what}: {:?}", self.studio.state().preview))
    }

    async fn previewed(&mut self) -> Vec<Sample> {
        self.until("end of the preview", |state, _| {
            let ended = state.preview.status == PreviewStatus::Done;
            ended.then(|| state.preview.samples.clone())
        })
        .await
    }
}

fn share_of_checkout() -> Option<DataDir> {
    let root = std::path::absolute("../../dist/share/boxwright").ok()?;
    let data_dir = DataDir::at(&root);
    (data_dir.serve_program().is_file() && data_dir.catalogue().is_ok()).then_some(data_dir)
}

fn sample() -> PathBuf {
    std::fs::canonicalize("../../samples/efficientnet-lite0").unwrap()
}

fn first_class(sample: &Sample) -> (&str, f32) {
    match &sample.outcome {
        Some(Outcome::Classes(classes)) => (&classes[0].class, classes[0].score),
        other => panic!("{}: {other:?}", sample.name),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropped_pictures_are_predicted_and_an_edit_predicts_them_anew() {
    let Some(mut window) = Window::open("preview").await else {
        return;
    };
    let studio = window.studio.clone();
    studio
        .open(vec![window.package(), sample().join("images")])
        .await
        .unwrap();
    let samples = window.previewed().await;
    assert_eq!(samples.len(), 5);
    assert_eq!(first_class(&samples[0]).0, "tiger cat");
    assert!(
        studio
            .thumbnail(samples[0].id)
            .unwrap()
            .starts_with(&[0xff, 0xd8])
    );
    assert!(
        studio
            .large(samples[1].id)
            .await
            .unwrap()
            .starts_with(&[0xff, 0xd8])
    );

    let document = studio.state().document.unwrap();
    let mut package = document.package.clone();
    package.preprocess.mean = vec![90.0, 127.0, 127.0];
    let edited = studio.edit(document.revision, package).await.unwrap();
    assert!(edited.dirty && edited.can_undo);
    let again = window.previewed().await;
    assert_ne!(first_class(&again[0]).1, first_class(&samples[0]).1);
    assert_eq!(
        again[0].thumbnail, samples[0].thumbnail,
        "the same picture, not made anew"
    );

    studio.undo().await.unwrap();
    let back = window.previewed().await;
    assert_eq!(first_class(&back[0]), first_class(&samples[0]));
    studio.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_changed_on_disk_are_previewed_as_they_are_now() {
    let Some(mut window) = Window::open("changed files").await else {
        return;
    };
    let studio = window.studio.clone();
    let cat = sample().join("images/cat.jpg");
    studio.open(vec![window.package(), cat]).await.unwrap();
    let samples = window.previewed().await;
    assert_eq!(first_class(&samples[0]).0, "tiger cat");
    let before = studio
        .inner
        .lock()
        .samples
        .model_digest()
        .map(str::to_owned);

    let labels = window.package().join("labels.txt");
    let text = fs::read_to_string(&labels).unwrap();
    fs::write(&labels, text.replace("tiger cat", "moggy")).unwrap();
    studio.open(vec![labels]).await.unwrap();
    assert_eq!(first_class(&window.previewed().await[0]).0, "moggy");

    // Exported again in place: the same graph, and a description.
    let model = window.package().join("model.onnx");
    let mut bytes = fs::read(&model).unwrap();
    bytes.extend([0x32, 4]);
    bytes.extend(b"anew");
    fs::write(&model, bytes).unwrap();
    studio.preview().await.unwrap();
    window.previewed().await;
    let after = studio
        .inner
        .lock()
        .samples
        .model_digest()
        .map(str::to_owned);
    assert!(before.is_some() && after.is_some() && before != after);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_quick_changes_end_in_the_predictions_of_the_last() {
    let Some(mut window) = Window::open("quick changes").await else {
        return;
    };
    let studio = window.studio.clone();
    let folder = sample().join("images");
    studio
        .open(vec![window.package(), folder.join("cat.jpg")])
        .await
        .unwrap();
    let first = window.previewed().await;
    for number in 1..=30u8 {
        let document = studio.state().document.unwrap();
        let mut package = document.package;
        package.preprocess.mean = vec![f64::from(number); 3];
        studio.edit(document.revision, package).await.unwrap();
        match number {
            10 => studio.open(vec![folder.join("rocket.jpg")]).await.unwrap(),
            15 => studio.open(vec![folder.join("coffee.jpg")]).await.unwrap(),
            20 => studio.remove_samples(vec![2]).await.unwrap(),
            _ => tokio::task::yield_now().await,
        }
    }
    let document = studio.state().document.unwrap();
    let mut package = document.package;
    package.preprocess.mean = vec![127.0; 3];
    // A name that is none is a problem of the package, not of its predictions.
    studio
        .edit(document.revision, package.clone())
        .await
        .unwrap();
    package.package.name = "Not A Name".into();
    let revision = studio.state().document.unwrap().revision;
    assert!(
        !studio
            .edit(revision, package)
            .await
            .unwrap()
            .problems
            .is_empty()
    );
    let last = window.previewed().await;
    let names: Vec<&str> = last.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!(names, ["cat.jpg", "coffee.jpg"]);
    assert_eq!(first_class(&last[0]), first_class(&first[0]));
    assert_eq!(first_class(&last[1]).0, "espresso");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_is_opened_as_a_copy_so_that_what_is_installed_stays() {
    let Some(mut window) = Window::open("sample").await else {
        return;
    };
    let studio = window.studio.clone();
    if !studio
        .inner
        .data_dir
        .samples()
        .join("efficientnet-lite0")
        .is_dir()
    {
        println!("SKIPPED: sample: the share folder has no samples");
        return;
    }
    studio.open_sample().await.unwrap();
    assert_eq!(window.previewed().await.len(), 5);
    let root = studio
        .inner
        .lock()
        .document
        .as_ref()
        .unwrap()
        .root()
        .to_owned();
    let cache = fs::canonicalize(window.folder.path()).unwrap();
    assert!(root.starts_with(cache), "{}", root.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_is_saved_reopened_and_listed_as_recent() {
    let Some(window) = Window::open("save").await else {
        return;
    };
    let studio = window.studio.clone();
    studio
        .open(vec![window.package().join("model.onnx")])
        .await
        .unwrap();
    let document = studio.state().document.unwrap();
    assert!(document.dirty && !document.guesses.is_empty());
    let mut package = document.package.clone();
    package.package.version = "1.2.3".into();
    studio.edit(document.revision, package).await.unwrap();
    assert!(!studio.can_close());
    let stale = studio
        .edit(document.revision, document.package)
        .await
        .unwrap_err();
    assert_eq!(stale.code, Code::PackageInvalid);
    let saved = studio.save().await.unwrap();
    assert!(!saved.dirty && saved.guesses.is_empty());
    assert!(studio.can_close());
    assert!(saved.package.model.files[0].sha256.is_some());
    studio.close_document().await.unwrap();
    assert!(studio.state().document.is_none());
    studio.open_recent(0).await.unwrap();
    assert_eq!(
        studio.state().document.unwrap().package.package.version,
        "1.2.3"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_picture_is_a_card_and_predictions_are_exported() {
    let Some(mut window) = Window::open("export").await else {
        return;
    };
    let studio = window.studio.clone();
    let broken = window.folder.path().join("broken.jpg");
    fs::write(&broken, b"no picture").unwrap();
    let cat = sample().join("images/cat.jpg");
    studio
        .open(vec![window.package(), broken, cat])
        .await
        .unwrap();
    let samples = window.previewed().await;
    assert!(matches!(&samples[0].outcome, Some(Outcome::Error(e)) if e.code == "SampleUnreadable"));
    let file = window.folder.path().join("out.json");
    studio
        .export(crate::api::ExportFormat::Json, &file)
        .await
        .unwrap();
    let json: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(json["results"][0]["error"]["code"], "SampleUnreadable");
    assert_eq!(
        json["results"][1]["classPredictions"][0]["class"],
        "tiger cat"
    );
    assert!(
        json["model"]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_built_as_a_job_and_remembered() {
    let Some(mut window) = Window::open("archive").await else {
        return;
    };
    let studio = window.studio.clone();
    if let Some(reason) = &studio.state().targets[0].unavailable {
        println!("SKIPPED: archive: {reason}");
        return;
    }
    studio.open(vec![window.package()]).await.unwrap();
    let file = window.folder.path().join(studio.archive_name());
    let (targets, to) = (vec!["cpu".to_owned()], PublishTo::Archive);
    let request = PublishRequest {
        targets,
        to,
        prove: false,
        replace: false,
    };
    let id = studio.publish(request, Some(file.clone())).await.unwrap();
    let job = window
        .until("end of the job", |state, _| {
            let job = state.jobs.iter().find(|job| job.id == id)?;
            (!matches!(job.status, JobStatus::Running)).then(|| job.clone())
        })
        .await;
    let JobStatus::Finished {
        result: JobResult::Build(report),
    } = job.status
    else {
        panic!("{:?}", job.status)
    };
    assert!(file.is_file());
    assert_eq!(studio.state().history[0].report, report);
    studio.dismiss_job(id);
    assert!(studio.state().jobs.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_a_crash_ended_can_be_seen_and_started_again() {
    let Some(window) = Window::open("crash").await else {
        return;
    };
    let studio = window.studio.clone();
    studio.open(vec![window.package()]).await.unwrap();
    let directories = studio.inner.directories.clone();
    let request = {
        let state = studio.inner.lock();
        let open = state.document.as_ref().unwrap();
        JobRequest::Publish(PublishJob {
            source: ImageSource {
                root: open.root().to_owned(),
                package: open.package().clone(),
                model: open.model().path.clone(),
                targets: vec![Target::Cpu],
                builder: Builder::Embedded,
                base: None,
            },
            to: "127.0.0.1:1/cat:1".parse().unwrap(),
            replace: false,
            samples: None,
        })
    };
    drop(JobFile::create(&directories, &request).unwrap());
    let mut next = Window {
        studio: Studio::at(studio.inner.data_dir.clone(), directories),
        events: studio.subscribe(),
        folder: window.folder,
    };
    next.events = next.studio.subscribe();
    let job = next.studio.state().jobs.remove(0);
    assert_eq!(job.title, "127.0.0.1:1/cat:1");
    let JobStatus::Failed { failure, .. } = &job.status else {
        panic!("{job:?}")
    };
    assert!(failure.retryable);
    let again = next.studio.retry_job(job.id).await.unwrap();
    let ids: Vec<u32> = next.studio.state().jobs.iter().map(|job| job.id).collect();
    assert_eq!(ids, [again]);
    next.studio.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_opened_is_told_and_what_is_open_stays() {
    let Some(mut window) = Window::open("refusals").await else {
        return;
    };
    let studio = window.studio.clone();
    let pickle = window.folder.path().join("weights.pt");
    fs::write(&pickle, b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s.").unwrap();
    studio.open(vec![window.package()]).await.unwrap();
    let failure = studio.open(vec![pickle]).await.unwrap_err();
    assert_eq!(failure.code, Code::ModelUnsupported);
    assert!(failure.hint.contains("import "), "{failure:?}");
    let told = window
        .until("failure", |_, event| match event {
            Event::Failure(failure) => Some(failure.clone()),
            _ => None,
        })
        .await;
    assert_eq!(told, failure);
    assert!(studio.state().document.is_some());
    let missing = studio
        .open(vec!["/nowhere/cat.onnx".into()])
        .await
        .unwrap_err();
    assert!(missing.message.contains("/nowhere/cat.onnx"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_gone_takes_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let window = Window::at(DataDir::at(folder.path()), tempfile::tempdir().unwrap());
    let request = SignIn {
        registry: "127.0.0.1:1".into(),
        username: "ann".into(),
        password: "canary".into(),
        store: crate::api::CredentialStore::Session,
        plain_http: false,
        trust_realm: None,
    };
    let failure = window.studio.sign_in(request).await.unwrap_err();
    assert_eq!(failure.code, Code::RegistryUnreachable);
    assert!(!format!("{failure:?}").contains("canary"));
    assert!(
        window
            .studio
            .state()
            .accounts
            .iter()
            .all(|one| one.registry != "127.0.0.1:1")
    );
}
