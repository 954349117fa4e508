//! Sends what the mutator makes, from several clients at once, until the time is over or something
//! is found; what is found is made smaller, and kept in a file.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Fault};
use crate::mutate;
use crate::oracle::judge;
use crate::request::{Input, Seed, corpus};
use crate::support::Server;
use crate::target::{self, Health, MEMORY, PROMPT};

/// Clients that wait for each answer.
const CLIENTS: usize = 4;
/// Clients that send bytes, and mostly wait for the server to see that there are no more.
const RAW_CLIENTS: usize = 8;
/// How long making a finding smaller may take.
const MINIMISING: Duration = Duration::from_secs(20);
/// What may be added to the memory that is in use between the middle and the end, in MiB.
const GROWTH: usize = 64;
/// Inputs that are tried again after health was late while they were answered.
const SUSPECTS: usize = 40;
/// Inputs of each client that are kept: what ends a server need not be what meets its end.
const RECENT: usize = 4;

/// Something that should not have happened.
struct Finding {
    input: Input,
    http_2: bool,
    fault: Fault,
}

/// What the clients share.
struct Shared {
    corpus: Vec<Seed>,
    port: u16,
    over: CancellationToken,
    sent: AtomicUsize,
    /// What each client sent last, the newest at the end.
    recent: Mutex<Vec<VecDeque<(Input, bool)>>>,
    suspects: Mutex<Vec<(Input, bool)>>,
    finding: Mutex<Option<Finding>>,
}

/// Tries the package's corpus, of inputs with these extensions, for `time`.
pub async fn run(library: &Path, package: &str, extensions: &[&str], time: Duration, seed: u64) {
    let mut server = target::start(library, package);
    let shared = Arc::new(Shared::new(server.port, corpus(package, extensions)));
    let late = Arc::clone(&shared);
    let health = Health::watch(server.port, move || late.suspect());
    let begun = Instant::now();
    let raw_clients = match extensions.contains(&"raw") {
        true => RAW_CLIENTS,
        false => 0,
    };
    let clients = (0..CLIENTS + raw_clients)
        .map(|place| tokio::spawn(work(Arc::clone(&shared), place, seed)));
    let clients: Vec<_> = clients.collect();
    shared.wait(time / 2).await;
    let middle = target::memory(&server, "VmRSS");
    shared.wait(time / 2).await;
    shared.over.cancel();
    for client in clients {
        client.await.unwrap();
    }
    let times = health.stop();
    let finding = shared.finding.lock().unwrap().take();
    if let Some(finding) = finding {
        let recent = std::mem::take(&mut *shared.recent.lock().unwrap());
        let recent = recent.into_iter().flatten();
        tell(library, package, seed, finding, recent, server).await;
    }
    println!(
        "{package}: {} inputs in {:.1} s, seed {seed}; health asked {} times, at most {:?}",
        shared.sent.load(Ordering::Relaxed),
        begun.elapsed().as_secs_f64(),
        times.asked,
        times.longest
    );
    check_memory(&server, middle.expect("the server runs"), seed);
    confirm(&shared, &mut server).await;
    target::end(server);
}

/// Holds the server's memory to its limit, and its growth since the middle of the campaign.
fn check_memory(server: &Server, middle: usize, seed: u64) {
    let figures = ["VmRSS", "VmHWM"].map(|figure| target::memory(server, figure));
    let [end, most] = figures.map(|figure| figure.expect("the server runs"));
    println!("memory {middle} to {end} MiB, at most {most}");
    assert!(most < MEMORY, "{most} MiB of {MEMORY}, seed {seed}");
    assert!(
        end < middle + GROWTH,
        "from {middle} to {end} MiB, seed {seed}"
    );
}

impl Shared {
    fn new(port: u16, corpus: Vec<Seed>) -> Self {
        Self {
            corpus,
            port,
            over: CancellationToken::new(),
            sent: AtomicUsize::new(0),
            recent: Mutex::new(vec![VecDeque::new(); CLIENTS + RAW_CLIENTS]),
            suspects: Mutex::default(),
            finding: Mutex::default(),
        }
    }

    /// Waits until the time is over, or something was found.
    async fn wait(&self, time: Duration) {
        let _ = tokio::time::timeout(time, self.over.cancelled()).await;
    }

    fn sends(&self, place: usize, input: Input, http_2: bool) {
        let sent = &mut self.recent.lock().unwrap()[place];
        sent.push_back((input, http_2));
        if sent.len() > RECENT {
            sent.pop_front();
        }
    }

    /// Health was late: what is being answered is why, or the machine.
    fn suspect(&self) {
        let recent = self.recent.lock().unwrap();
        let mut suspects = self.suspects.lock().unwrap();
        suspects.extend(recent.iter().filter_map(|sent| sent.back().cloned()));
        suspects.truncate(SUSPECTS);
    }
}

async fn work(shared: Arc<Shared>, place: usize, seed: u64) {
    let mut rng = Rng::with_seed(seed.wrapping_add(place as u64));
    let mut client = Client::new(shared.port);
    while !shared.over.is_cancelled() {
        let input = match place {
            0..CLIENTS => mutate::framed(&shared.corpus, &mut rng),
            _ => mutate::raw(&shared.corpus, &mut rng),
        };
        let http_2 = rng.bool();
        shared.sends(place, input.clone(), http_2);
        let fault = ask(&mut client, &input, http_2).await.err();
        shared.sent.fetch_add(1, Ordering::Relaxed);
        if let Some(fault) = fault {
            let finding = Finding {
                input,
                http_2,
                fault,
            };
            shared.over.cancel();
            shared.finding.lock().unwrap().get_or_insert(finding);
        }
    }
}

async fn ask(client: &mut Client, input: &Input, http_2: bool) -> Result<(), Fault> {
    match client.ask(input, http_2).await? {
        Some(answer) => judge(input, &answer),
        None => Ok(()),
    }
}

/// Fails with the finding, after it has been made as small as the time allows.
async fn tell(
    library: &Path,
    package: &str,
    seed: u64,
    finding: Finding,
    recent: impl Iterator<Item = (Input, bool)>,
    server: Server,
) -> ! {
    let fault = &finding.fault;
    let mut attempt = Attempt {
        library,
        package,
        server,
    };
    let mut note = "none of what was sent does it again alone".into();
    for (mut input, http_2) in std::iter::once((finding.input, finding.http_2)).chain(recent) {
        if !attempt.gives(&input, http_2, fault).await {
            continue;
        }
        let end = Instant::now() + MINIMISING;
        while attempt.smaller(&mut input, http_2, fault, end).await {}
        let over = match (&input, http_2) {
            (Input::Raw(_), _) => "as bytes",
            (Input::Http(_), false) => "over HTTP/1.1",
            _ => "over HTTP/2",
        };
        note = format!(
            "{} {over} is enough for it",
            keep(&input, "smallest").display()
        );
        break;
    }
    panic!("{package}, seed {seed}: {fault}; {note}");
}

fn keep(input: &Input, name: &str) -> PathBuf {
    let file =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{name}.{}", input.extension()));
    std::fs::write(&file, input.file()).unwrap();
    file
}

struct Attempt<'a> {
    library: &'a Path,
    package: &'a str,
    server: Server,
}

impl Attempt<'_> {
    /// Whether an input does the same again, to a server that is well before.
    async fn gives(&mut self, input: &Input, http_2: bool, fault: &Fault) -> bool {
        if self.server.child.try_wait().unwrap().is_some() {
            self.server = target::start(self.library, self.package);
        }
        let mut client = Client::new(self.server.port);
        match ask(&mut client, input, http_2).await {
            Ok(()) => false,
            Err(Fault::Wrong(what)) => match fault {
                // The status and what is wrong; the rest tells of the input.
                Fault::Wrong(before) => what.split(':').take(2).eq(before.split(':').take(2)),
                _ => false,
            },
            Err(other) => std::mem::discriminant(&other) == std::mem::discriminant(fault),
        }
    }

    /// Takes something away from the input so that the finding stays; whether there was such a thing.
    async fn smaller(
        &mut self,
        input: &mut Input,
        http_2: bool,
        fault: &Fault,
        end: Instant,
    ) -> bool {
        let mut part = input.file().len().div_ceil(2).max(1);
        let mut less = false;
        loop {
            let mut from = 0;
            while let Some(smaller) = without(input, from, part) {
                if Instant::now() > end {
                    return false;
                }
                if self.gives(&smaller, http_2, fault).await {
                    *input = smaller;
                    less = true;
                } else {
                    from += part;
                }
            }
            if part == 1 {
                return less;
            }
            part /= 2;
        }
    }
}

/// The input without part of its headers and its body; `None` where there is no such part.
fn without(input: &Input, from: usize, length: usize) -> Option<Input> {
    let mut input = input.clone();
    let bytes = match &mut input {
        Input::Raw(bytes) => bytes,
        Input::Http(request) | Input::Grpc(request) => {
            if from < request.headers.len() && length == 1 {
                request.headers.remove(from);
                return Some(input);
            }
            &mut request.body
        }
    };
    if from >= bytes.len() {
        return None;
    }
    drop(bytes.drain(from..bytes.len().min(from + length)));
    Some(input)
}

/// Sends what was being answered while health was late, alone: where it is late again each time,
/// it was no other program that took the machine.
async fn confirm(shared: &Shared, server: &mut Server) {
    let suspects = std::mem::take(&mut *shared.suspects.lock().unwrap());
    for (input, http_2) in suspects {
        let mut shortest = Duration::MAX;
        for _ in 0..5 {
            let health = Health::watch(server.port, || {});
            let mut client = Client::new(server.port);
            let _ = ask(&mut client, &input, http_2).await;
            shortest = shortest.min(health.stop().longest);
            if shortest < PROMPT {
                break;
            }
        }
        let file = keep(&input, "late");
        assert!(
            shortest < PROMPT,
            "health takes {shortest:?} while {} is answered",
            file.display()
        );
    }
}
