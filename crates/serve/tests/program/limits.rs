//! The limits on memory, connections and time, under load.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

use crate::support::{
    MULTIPART, Sample, Server, TIMEOUT, ask, assert_is_reference, multipart, photo_bytes,
};

const MIB: usize = 1 << 20;

/// A figure of the process in MiB, from `/proc`.
fn memory(server: &Server, figure: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure));
    let kib: usize = line
        .and_then(|line| line.trim_start_matches(':').split_whitespace().next())
        .unwrap()
        .parse()
        .unwrap();
    kib >> 10
}

fn metric(server: &Server, name: &str) -> f64 {
    let page = server.get("/metrics").body;
    let values = page
        .lines()
        .filter(|line| line.starts_with(name) && !line.starts_with('#'));
    values
        .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
        .sum()
}

/// A black picture of one bit a pixel, complete and valid.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = Crc::new();
        crc.update(kind);
        crc.update(data);
        png.extend((data.len() as u32).to_be_bytes());
        png.extend(kind);
        png.extend(data);
        png.extend(crc.sum().to_be_bytes());
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[&size[..], &[1, 0, 0, 0, 0]].concat());
    let mut rows = ZlibEncoder::new(Vec::new(), Compression::best());
    let row = vec![0; width.div_ceil(8) as usize + 1];
    for _ in 0..height {
        rows.write_all(&row).unwrap();
    }
    chunk(b"IDAT", &rows.finish().unwrap());
    chunk(b"IEND", b"");
    png
}

#[test]
fn a_small_file_of_a_gigantic_picture_is_refused_and_not_decoded() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[]);
    let bomb = png(50_000, 50_000);
    assert!(bomb.len() < 400_000, "{}", bomb.len());
    let cat = photo_bytes("cat.jpg");
    server.post("/predict", MULTIPART, &multipart(&[&cat, &cat]));
    let before = memory(&server, "VmHWM");
    let answer = server.post("/predict", MULTIPART, &multipart(&[&cat, &bomb, &cat]));
    let predictions = &answer.json()["predictions"];
    let error = &predictions[1]["error"];
    assert_eq!(error["code"], "SampleUnreadable", "{predictions}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("50,000 × 50,000") && message.contains("100,000,000"),
        "{message}"
    );
    assert_is_reference("cat.jpg", &predictions[0]);
    assert_is_reference("cat.jpg", &predictions[2]);
    // One bit a pixel of it would be 298 MiB.
    let after = memory(&server, "VmHWM");
    assert!(after < before + 64, "from {before} to {after} MiB");
}

#[test]
fn the_limit_on_pixels_can_be_set_and_follows_the_memory() {
    let Some(sample) = Sample::find() else { return };
    let picture = png(2000, 1000);
    let server = Server::with(&sample, &[("MAX_PIXELS", "1999999")]);
    let answer = server.post("/predict", "image/png", &picture);
    let message = answer.json()["predictions"][0]["error"]["message"].to_string();
    assert!(message.contains("1,999,999"), "{message}");
    let enough = Server::with(&sample, &[("MAX_PIXELS", "2000000")]);
    let answer = enough.post("/predict", "image/png", &picture);
    assert!(
        answer.json()["predictions"][0]["classPredictions"].is_array(),
        "{answer:?}"
    );
    let mut small = Server::start(&[("MODEL", "/nowhere"), ("MEMORY_LIMIT_MB", "256")]);
    // It is said before the server listens.
    assert!(
        small
            .said
            .iter()
            .any(|line| line.contains("pictures may have")),
        "{:?}",
        small.said
    );
    small.wait_for("not ready");
}

#[test]
fn a_request_that_takes_too_long_is_answered_with_504() {
    let Some(sample) = Sample::find() else { return };
    let server = Server::with(&sample, &[("REQUEST_TIMEOUT_MS", "200")]);
    let mut slow = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    slow.set_read_timeout(Some(TIMEOUT)).unwrap();
    slow.write_all(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
        .unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(
        answer.contains("200 ms") && answer.contains("REQUEST_TIMEOUT_MS"),
        "{answer}"
    );
    assert_eq!(
        metric(
            &server,
            "boxwright_errors_total{protocol=\"http\",kind=\"timeout\"}"
        ),
        1.0
    );
    assert_eq!(metric(&server, "boxwright_body_memory_bytes"), 0.0);
}

/// What came back in a flood.
#[derive(Debug, Default)]
struct Answers {
    served: AtomicUsize,
    refused: AtomicUsize,
    /// The server did not read a body to its end, and its answer is lost.
    broken: AtomicUsize,
}

impl Answers {
    fn are_at_least(&self, least: usize) -> bool {
        let counts = [&self.served, &self.refused];
        counts
            .iter()
            .all(|count| count.load(Ordering::Relaxed) >= least)
    }
}

/// Asks until `over`, and holds every refusal to its form.
fn flood(port: u16, kind: &str, body: &[u8], answers: &Answers, over: &AtomicBool) {
    // This thread only: callers are elsewhere, and take no time from a server.
    let _ = rustix::process::nice(19);
    while !over.load(Ordering::Relaxed) {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let length = body.len();
        let head = format!(
            "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        let sent = stream.write_all(body);
        let read = stream.read_to_string(&mut answer);
        let count = if answer.starts_with("HTTP/1.1 200 ") {
            &answers.served
        } else if answer.starts_with("HTTP/1.1 429 ") {
            assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
            assert!(answer.contains("\r\n\r\n{\"error\":\""), "{answer}");
            &answers.refused
        } else {
            assert!(
                answer.is_empty() && (sent.is_err() || read.is_err()),
                "{answer}"
            );
            &answers.broken
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ends the flood, also where the test fails in it.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// In what time 19 of 20 probes have their answer.
fn slow_probe(server: &Server) -> Duration {
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let asked = Instant::now();
            assert_eq!(server.get("/v2/health/ready").status, 200);
            asked.elapsed()
        })
        .collect();
    times.sort();
    times[94]
}

#[test]
fn under_a_flood_memory_stays_flat_refusals_say_when_to_come_again_and_health_answers() {
    let Some(sample) = Sample::find() else { return };
    let limits = [
        ("MEMORY_LIMIT_MB", "512"),
        ("MAX_BODY_MB", "16"),
        ("QUEUE_SIZE", "16"),
    ];
    let server = Server::with(&sample, &limits);
    let cat = photo_bytes("cat.jpg");
    let many = multipart(&[&cat[..]; 6]);
    // No picture, so that all of its time goes into its bytes. The memory has room for eight.
    let large = vec![7; 15 * MIB];
    let over = AtomicBool::new(false);
    let (of_queue, of_bodies) = (Answers::default(), Answers::default());
    let slow = std::thread::scope(|scope| {
        let _over = SetAtEnd(&over);
        for _ in 0..12 {
            scope.spawn(|| flood(server.port, MULTIPART, &many, &of_queue, &over));
            scope.spawn(|| flood(server.port, "image/jpeg", &large, &of_bodies, &over));
        }
        let begun = Instant::now();
        loop {
            // Where the machine has much else to do, one of several rounds shows what is the server's.
            let slow = slow_probe(&server);
            let flooded = of_queue.are_at_least(20) && of_bodies.are_at_least(20);
            if (flooded && slow < Duration::from_millis(100)) || begun.elapsed() > TIMEOUT {
                return slow;
            }
        }
    });
    let most = memory(&server, "VmHWM");
    println!("{most} MiB at most; queue {of_queue:?}, bodies {of_bodies:?}, health in {slow:?}");
    assert!(of_queue.are_at_least(20) && of_bodies.are_at_least(20));
    assert!(most < 512, "{most} MiB");
    assert!(slow < Duration::from_millis(100), "health in {slow:?}");
    // The last batch lets go of its samples a moment after its callers have their answers.
    let begun = Instant::now();
    while metric(&server, "boxwright_body_memory_bytes") + metric(&server, "boxwright_queue_depth")
        > 0.0
    {
        assert!(begun.elapsed() < TIMEOUT);
    }
    let after = server.post("/predict", "image/jpeg", &cat);
    assert_is_reference("cat.jpg", &after.json()["predictions"][0]);
}

#[test]
fn a_crowded_server_still_says_that_it_is_well_and_refuses_the_rest() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let connect = || TcpStream::connect(("127.0.0.1", server.port));
    let crowd: Vec<_> = (0..1024).map_while(|_| connect().ok()).collect();
    if crowd.len() < 1024 {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: this process may open {} connections, and the test needs 1024: raise `ulimit -n`",
            crowd.len()
        );
        return;
    }
    // The last of the crowd is inside once those that came before it are.
    let begun = Instant::now();
    while !server.get("/predict").head.contains("429") {
        assert!(begun.elapsed() < TIMEOUT);
    }
    let refused = server.get("/v1/models");
    assert!(
        refused.head.contains("retry-after: 1") && refused.head.contains("connection: close"),
        "{refused:?}"
    );
    assert!(refused.error(429).contains("connections"));
    let begun = Instant::now();
    assert_eq!(server.get("/v2/health/live").status, 200);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
    assert!(metric(&server, "boxwright_connections") > 1024.0);
    drop(crowd);
    let begun = Instant::now();
    while server.get("/v1/models").status != 200 {
        assert!(begun.elapsed() < TIMEOUT);
    }
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let server = Server::start(&[("MODEL", "/nowhere")]);
    let long = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n",
        "x".repeat(100 << 10)
    );
    let answer = std::panic::catch_unwind(|| ask(server.port, &long, b""));
    // Where the server is done before all of it is sent, the connection is gone.
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 431, "{answer:?}");
    }
    assert_eq!(server.get("/").status, 200);
}
