//! A password goes to a token server on another host by the user's word alone, which is remembered.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};

use boxwright_studio::api::{CredentialStore, SignIn, SignInOutcome};
use boxwright_studio::build::DataDir;
use boxwright_studio::{Code, Directories, Studio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PASSWORD: &str = "correct horse";

/// A registry at 127.0.0.1 whose token server is the same program by another name: `localhost`.
struct Server {
    port: u16,
    /// What came with the requests for a token.
    told: Arc<Mutex<Vec<Option<String>>>>,
}

impl Server {
    async fn start() -> Self {
        Self::listen(true).await
    }

    /// One that lets everyone in, or else asks for a token.
    async fn listen(asks: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::<Mutex<Vec<_>>>::default();
        let kept = Arc::clone(&told);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, port, asks, Arc::clone(&kept)));
            }
        });
        Self { port, told }
    }

    fn registry(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn realm(&self) -> String {
        format!("localhost:{}", self.port)
    }
}

async fn answer(
    mut stream: TcpStream,
    port: u16,
    asks: bool,
    told: Arc<Mutex<Vec<Option<String>>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let authorization = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        (name.eq_ignore_ascii_case("authorization")).then(|| value.to_owned())
    });
    // `me` and PASSWORD in base64.
    let (right, good) = ("Basic bWU6Y29ycmVjdCBob3JzZQ==", "Bearer good");
    let (status, body) = if head.starts_with("GET /token") {
        told.lock().unwrap().push(authorization.clone());
        match authorization.as_deref() == Some(right) {
            true => ("200 OK", r#"{"token":"good"}"#),
            false => ("401 Unauthorized", "{}"),
        }
    } else if !asks || authorization.as_deref() == Some(good) {
        let sent = authorization.filter(|_| !asks);
        told.lock().unwrap().extend(sent.map(Some));
        ("200 OK", "{}")
    } else {
        ("401 Unauthorized", "{}")
    };
    let text = format!(
        "HTTP/1.1 {status}\r\nwww-authenticate: Bearer realm=\"http://localhost:{port}/token\"\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
}

fn request(server: &Server, password: &str, trust_realm: Option<String>) -> SignIn {
    SignIn {
        registry: server.registry(),
        username: "me".into(),
        password: password.into(),
        store: CredentialStore::Session,
        plain_http: false,
        trust_realm,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_goes_to_another_host_only_after_the_user_said_so_once() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let directories = Directories {
        config: folder.path().join("config"),
        cache: folder.path().join("cache"),
    };
    let studio = Studio::at(DataDir::at(folder.path()), directories.clone());
    let asked = studio.sign_in(request(&server, PASSWORD, None)).await;
    let question = SignInOutcome::RealmUntrusted {
        registry: server.registry(),
        realm: server.realm(),
    };
    assert_eq!(asked.unwrap(), question);
    assert!(server.told.lock().unwrap().is_empty(), "nothing was sent");
    let is_in = |studio: &Studio| {
        let accounts = studio.state().accounts;
        accounts
            .iter()
            .any(|one| one.registry == server.registry() && one.username == "me")
    };
    assert!(!is_in(&studio), "nothing was kept");

    let wrong = request(&server, "wrong", Some(server.realm()));
    let refused = studio.sign_in(wrong).await.unwrap_err();
    assert_eq!(refused.code, Code::RegistryUnauthorized);
    let again = studio.sign_in(request(&server, PASSWORD, None)).await;
    assert_eq!(again.unwrap(), question, "a refused one is not remembered");

    let right = request(&server, PASSWORD, Some(server.realm()));
    let done = studio.sign_in(right).await.unwrap();
    assert!(matches!(done, SignInOutcome::SignedIn { .. }) && is_in(&studio));
    let kept = std::fs::read_to_string(directories.file("realms.json")).unwrap();
    assert!(kept.contains(&server.realm()), "{kept}");
    assert!(!kept.contains(PASSWORD), "{kept}");

    // Another start of the program asks no more, until the user signs out.
    let studio = Studio::at(DataDir::at(folder.path()), directories);
    let later = studio.sign_in(request(&server, PASSWORD, None)).await;
    assert!(matches!(later.unwrap(), SignInOutcome::SignedIn { .. }));
    studio.sign_out(&server.registry()).await.unwrap();
    let after = studio.sign_in(request(&server, PASSWORD, None)).await;
    assert_eq!(after.unwrap(), question);
}

#[tokio::test]
async fn what_is_no_host_is_not_trusted() {
    let (server, folder) = (Server::start().await, tempfile::tempdir().unwrap());
    let (config, cache) = (folder.path().join("config"), folder.path().join("cache"));
    let studio = Studio::at(DataDir::at(folder.path()), Directories { config, cache });
    let pasted = format!("http://{}/token", server.realm());
    let failure = studio
        .sign_in(request(&server, PASSWORD, Some(pasted)))
        .await
        .unwrap_err();
    assert_eq!(failure.code, Code::ReferenceInvalid);
    assert!(failure.hint.contains(&server.realm()), "{failure:?}");
    assert!(server.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_registry_that_asks_for_no_password_gets_none_and_none_is_kept() {
    let (server, folder) = (Server::listen(false).await, tempfile::tempdir().unwrap());
    let (config, cache) = (folder.path().join("config"), folder.path().join("cache"));
    let studio = Studio::at(DataDir::at(folder.path()), Directories { config, cache });
    let done = studio.sign_in(request(&server, PASSWORD, None)).await;
    let registry = server.registry();
    assert_eq!(done.unwrap(), SignInOutcome::NotAsked { registry });
    assert!(server.told.lock().unwrap().is_empty(), "nothing was sent");
    let accounts = studio.state().accounts;
    assert!(accounts.iter().all(|one| one.registry != server.registry()));
}
