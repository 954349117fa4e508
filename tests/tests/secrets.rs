//! A password is known to the registry, to the keychain, and to nobody else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use boxwright_tests::keychain::Keychain;
use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::report::Report;
use boxwright_tests::sandbox::photo;
use boxwright_tests::{Command, Run, Sandbox, need};
use flate2::read::MultiGzDecoder;
use ring::rand::{SecureRandom, SystemRandom};
use walkdir::WalkDir;

const USER: &str = "ann";

/// A password, in every form in which it could be written down.
struct Canary {
    password: String,
    forms: Vec<Vec<u8>>,
}

impl Canary {
    fn new() -> Self {
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).unwrap();
        let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut forms = vec![password.clone().into_bytes()];
        forms.push(STANDARD.encode(format!("{USER}:{password}")).into_bytes());
        // Within a longer text its base64 depends on where it starts; its edges on what is around.
        for skip in 0..3 {
            let text = STANDARD_NO_PAD.encode(format!("{}{password}", &"xxx"[..skip]));
            forms.push(text.as_bytes()[4..text.len() - 4].to_vec());
        }
        Self { password, forms }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        self.forms
            .iter()
            .any(|form| bytes.windows(form.len()).any(|window| window == form))
    }

    /// Files below `folder` that hold it, also where they are compressed.
    fn files(&self, folder: &Path) -> Vec<PathBuf> {
        let files = WalkDir::new(folder)
            .into_iter()
            .flatten()
            .filter(|entry| entry.file_type().is_file());
        let holds = |path: &PathBuf| {
            let bytes = fs::read(path).unwrap_or_default();
            let mut inside = Vec::new();
            let _ = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut inside);
            self.is_in(&bytes) || self.is_in(&inside)
        };
        files.map(|entry| entry.into_path()).filter(holds).collect()
    }

    #[track_caller]
    fn is_not_told_by(&self, run: &Run) {
        assert!(
            !self.is_in(run.stdout.as_bytes()),
            "stdout tells the password"
        );
        assert!(
            !self.is_in(run.stderr().as_bytes()),
            "stderr tells the password"
        );
    }
}

/// Looks at the arguments and the environment of every process while something else runs.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, Vec<String>)>,
}

impl Watch {
    fn start(canary: &Arc<Canary>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (flag, canary) = (stop.clone(), canary.clone());
        let thread = std::thread::spawn(move || {
            let (mut rounds, mut found) = (0, Vec::new());
            while !flag.load(Ordering::Relaxed) {
                rounds += 1;
                for process in fs::read_dir("/proc").unwrap().flatten() {
                    for file in ["cmdline", "environ"] {
                        let bytes = fs::read(process.path().join(file)).unwrap_or_default();
                        if canary.is_in(&bytes) {
                            found.push(String::from_utf8_lossy(&bytes).into_owned());
                        }
                    }
                }
            }
            (rounds, found)
        });
        Self { stop, thread }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        let (rounds, found) = self.thread.join().unwrap();
        assert!(rounds > 3, "only {rounds} looks at the processes");
        assert!(
            found.is_empty(),
            "a process was given the password: {found:#?}"
        );
    }
}

fn login(command: Command, canary: &Canary) -> Run {
    let run = command.input(format!("{}\n", canary.password)).run().ok();
    canary.is_not_told_by(&run);
    run
}

#[test]
fn without_a_keychain_the_password_is_in_dockers_file_alone() {
    let canary = Arc::new(Canary::new());
    let registry = need!(Registry::start(Auth::Basic(USER, &canary.password)));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let watch = Watch::start(&canary);
    let host = registry.host();
    let said = login(
        sandbox.boxwright(["login", &host, "--username", USER, "--password-stdin"]),
        &canary,
    );
    let docker = sandbox.home().join(".docker/config.json");
    assert!(
        said.stderr().contains("config.json"),
        "it does not say where: {}",
        said.stderr()
    );
    assert_eq!(
        fs::metadata(&docker).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let to = registry.reference("cat:1");
    let publish = |level: &str| {
        let command = sandbox.boxwright([
            "publish",
            "--target",
            "cpu",
            "--progress",
            "json",
            "--to",
            &to,
        ]);
        let command = command.arg(&package).arg("--verify").arg(photo("cat.jpg"));
        command
            .env("RUST_LOG", level)
            .env("RUST_BACKTRACE", "full")
            .run()
    };
    let run = publish("trace").ok();
    canary.is_not_told_by(&run);
    assert_eq!(Report::new(run.json()).proof("cpu")["status"], "proven");
    watch.end();
    assert_eq!(
        canary.files(&sandbox.path("")),
        [docker],
        "files with the password"
    );
    assert_eq!(
        canary.files(&registry.storage()),
        Vec::<PathBuf>::new(),
        "the image has it"
    );
}

#[test]
fn with_a_keychain_the_password_is_in_no_file_at_all() {
    let canary = Arc::new(Canary::new());
    let registry = need!(Registry::start(Auth::Basic(USER, &canary.password)));
    let sandbox = Sandbox::new();
    let keychain = need!(Keychain::start(&sandbox));
    let package = sandbox.package("cat");
    let boxwright = |args: &[&str]| {
        sandbox
            .boxwright(args)
            .env("DBUS_SESSION_BUS_ADDRESS", keychain.address())
    };
    let watch = Watch::start(&canary);
    let host = registry.host();
    login(
        boxwright(&["login", &host, "--username", USER, "--password-stdin"]),
        &canary,
    );
    let to = registry.reference("cat:1");
    let publish = |tag: &str| {
        boxwright(&["publish", "--target", "cpu", "--to", tag])
            .arg(&package)
            .run()
    };
    canary.is_not_told_by(&publish(&to).ok());
    watch.end();
    assert_eq!(
        canary.files(&sandbox.path("")),
        Vec::<PathBuf>::new(),
        "files with the password"
    );
    assert!(!sandbox.home().join(".docker/config.json").exists());
    boxwright(&["logout", &host]).run().ok();
    publish(&registry.reference("cat:2")).failure("RegistryUnauthorized");
}

#[test]
fn dockers_own_credentials_are_honoured() {
    let registry = need!(Registry::start(Auth::Basic(USER, "secret")));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let docker = sandbox.home().join(".docker");
    fs::create_dir(&docker).unwrap();
    let publish = |tag: &str| {
        let to = registry.reference(tag);
        sandbox
            .boxwright(["publish", "--target", "cpu", "--to", &to])
            .arg(&package)
    };
    let auth = STANDARD.encode(format!("{USER}:secret"));
    let config = serde_json::json!({"auths": {registry.host(): {"auth": auth}}});
    fs::write(docker.join("config.json"), config.to_string()).unwrap();
    publish("cat:1").run().ok();
    let config = serde_json::json!({"credHelpers": {registry.host(): "test"}});
    fs::write(docker.join("config.json"), config.to_string()).unwrap();
    let bin = sandbox.path("run/bin");
    fs::create_dir(&bin).unwrap();
    let helper = bin.join("docker-credential-test");
    let answer = format!(
        "#!/bin/sh\nread -r host\necho '{{\"ServerURL\":\"'$host'\",\"Username\":\"{USER}\",\"Secret\":\"secret\"}}'\n"
    );
    fs::write(&helper, answer).unwrap();
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", bin.display());
    publish("cat:2").env("PATH", path).run().ok();
    // A helper's name is part of a program's name: nothing else.
    let config = serde_json::json!({"credHelpers": {registry.host(): "../../bin/evil"}});
    fs::write(docker.join("config.json"), config.to_string()).unwrap();
    let run = publish("cat:3").run();
    assert_eq!(run.status, Some(1));
    assert!(run.stderr().contains("evil"), "{}", run.stderr());
}
