//! `boxwright login` and `logout`.

use std::io::Read;
use std::sync::Arc;

use boxwright_studio::api::{CredentialStore, SignInOutcome};
use boxwright_studio::credentials::{Accounts, keychain};
use boxwright_studio::errors::blocking;
use boxwright_studio::oci::registry::Secret;
use boxwright_studio::registry::Connection;
use boxwright_studio::{Code, Directories, Failure, RequiredAction, oci};

use crate::args::{Login, Logout};
use crate::console::{Console, print_line};
use crate::text::sanitize;

/// Longest password or token, in bytes.
const MAX_PASSWORD: u64 = 64 << 10;

/// Checks a password against its registry, and keeps it.
pub async fn login(args: Login, console: &Console) -> Result<(), Failure> {
    let password = blocking(read_password).await?;
    let keychain = blocking(|| Ok::<_, Failure>(keychain::available())).await?;
    let store = if keychain.is_ok() {
        CredentialStore::Keychain
    } else {
        CredentialStore::DockerConfig
    };
    let plain = args.connection.plain_http;
    let connection = Connection {
        plain_http: if plain {
            vec![args.registry.clone()]
        } else {
            Vec::new()
        },
        ca_file: args.connection.ca_file,
    };
    let accounts = Arc::new(Accounts::new(&Directories::find()));
    let (registry, trusted) = (&args.registry, args.trust_realm);
    let outcome = connection
        .sign_in(registry, args.username, password, store, trusted, &accounts)
        .await?;
    let account = match outcome {
        SignInOutcome::SignedIn { account } => account,
        SignInOutcome::NotAsked { registry } => {
            let registry = sanitize(&registry);
            return print_line(&format!(
                "{registry} asks for no password, so none was sent to it or kept"
            ));
        }
        SignInOutcome::RealmUntrusted { registry, realm } => {
            let failure = oci::Error::RealmUntrusted { registry, realm };
            return Err(with_login_hint(failure.into()));
        }
    };
    if let Err(reason) = keychain {
        console.print(&format!(
            "The password is kept in Docker's config.json: {reason}."
        ));
    }
    print_line(&format!(
        "signed in to {} as {}",
        sanitize(&account.registry),
        sanitize(&account.username)
    ))
}

/// Forgets a password.
pub async fn logout(args: Logout) -> Result<(), Failure> {
    oci::check_registry(&args.registry)?;
    let accounts = Accounts::new(&Directories::find());
    let registry = args.registry.clone();
    let found = blocking(move || accounts.forget(&registry)).await?;
    let registry = sanitize(&args.registry);
    print_line(&match found {
        true => format!("signed out of {registry}"),
        false => format!("nothing was kept for {registry}"),
    })
}

/// Replaces the hint about a password by the command that signs in.
pub fn with_login_hint(mut failure: Failure) -> Failure {
    let login = |registry: &str| {
        let registry = sanitize(registry);
        format!("`boxwright login {registry} --username NAME --password-stdin")
    };
    match failure.required_action.as_deref() {
        Some(RequiredAction::SignIn { registry }) => {
            failure.hint = format!("Sign in with {}`.", login(registry));
        }
        Some(RequiredAction::AllowAuthHost {
            registry,
            auth_host,
        }) => {
            let (login, auth_host) = (login(registry), sanitize(auth_host));
            failure.hint = format!(
                "If you trust {auth_host} with the password, sign in with {login} --trust-realm {auth_host}`."
            );
        }
        None => {}
    }
    failure
}

/// All of stdin but the line's end.
fn read_password() -> Result<Secret, Failure> {
    let refused = |message: &str| {
        let hint = "Pipe the password in: `boxwright login … --password-stdin < FILE`.";
        Failure::new(Code::RegistryUnauthorized, message, hint)
    };
    let mut text = String::new();
    std::io::stdin()
        .take(MAX_PASSWORD + 1)
        .read_to_string(&mut text)
        .map_err(|error| refused("the password can't be read from stdin").caused_by(&error))?;
    if text.len() as u64 > MAX_PASSWORD {
        return Err(refused("stdin holds no password: it is too long"));
    }
    while text.ends_with(['\n', '\r']) {
        text.pop();
    }
    if text.is_empty() {
        Err(refused("stdin holds no password"))
    } else {
        Ok(Secret::new(text))
    }
}
