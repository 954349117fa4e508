//! `boxwright-serve health`: the health check of the image, which has no shell and no curl.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use crate::settings::Settings;

/// For connecting, and for each read and write.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Bytes of the response at most: far more than the server sends.
const MAX_RESPONSE: u64 = 64 << 10;

/// Asks the server whether it is ready, and prints its response.
pub fn check(settings: &Settings) -> ExitCode {
    match request_readiness(settings.local_host(), settings.port) {
        Ok(response) => {
            let (head, body) = response.split_once("\r\n\r\n").unwrap_or((&response, ""));
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

fn request_readiness(host: &str, port: u16) -> std::io::Result<String> {
    let address = (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| std::io::Error::other("the host has no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(
        b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )?;
    let mut response = Vec::new();
    stream.take(MAX_RESPONSE).read_to_end(&mut response)?;
    Ok(String::from_utf8_lossy(&response).into_owned())
}
