//! The health check of the image: there is no shell in it, and no curl.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use crate::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(3);
/// More than any answer of ours to this question.
const LONGEST_ANSWER: u64 = 64 << 10;

/// Asks the server whether it is ready, and prints its answer.
pub fn check(settings: &Settings) -> ExitCode {
    match ask(settings.local_host(), settings.port) {
        Ok(answer) => {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
            println!("{body}");
            let status = head.split_whitespace().nth(1);
            if status == Some("200") {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!(
                "error: {}:{} does not answer: {error}",
                settings.local_host(),
                settings.port
            );
            ExitCode::FAILURE
        }
    }
}

fn ask(host: &str, port: u16) -> std::io::Result<String> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| std::io::Error::other("the host has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(
        b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
