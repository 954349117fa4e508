//! `boxwright login` and `logout`.

use std::io::Read;
use std::sync::Arc;

use boxwright_studio::api::Kept;
use boxwright_studio::credentials::{Accounts, keychain};
use boxwright_studio::errors::blocking;
use boxwright_studio::oci::registry::Secret;
use boxwright_studio::registry::Connection;
use boxwright_studio::{Code, Failure, Places};

use crate::args::{Login, Logout};
use crate::console::{Console, print_line};
use crate::text::tame;

/// Longest password or token, in bytes.
const LONGEST: u64 = 64 << 10;

/// Checks a password against its registry, and keeps it.
pub async fn login(args: Login, console: &Console) -> Result<(), Failure> {
    let password = blocking(read_password).await?;
    let keychain = blocking(|| Ok::<_, Failure>(keychain::available())).await?;
    let kept = if keychain.is_ok() {
        Kept::Keychain
    } else {
        Kept::DockerConfig
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
    let accounts = Arc::new(Accounts::new(&Places::find()));
    let account = connection
        .sign_in(&args.registry, args.username, password, kept, &accounts)
        .await?;
    if let Err(reason) = keychain {
        console.say(&format!(
            "The password is kept in Docker's config.json: {reason}."
        ));
    }
    print_line(&format!(
        "signed in to {} as {}",
        tame(&account.registry),
        tame(&account.username)
    ));
    Ok(())
}

/// Forgets a password.
pub async fn logout(args: Logout) -> Result<(), Failure> {
    let accounts = Accounts::new(&Places::find());
    let registry = args.registry.clone();
    blocking(move || accounts.forget(&registry)).await?;
    print_line(&format!("signed out of {}", tame(&args.registry)));
    Ok(())
}

/// All of stdin but the line's end.
fn read_password() -> Result<Secret, Failure> {
    let refused = |message: &str| {
        let hint = "Pipe the password in: `boxwright login … --password-stdin < FILE`.";
        Failure::new(Code::RegistryUnauthorized, message, hint)
    };
    let mut text = String::new();
    std::io::stdin()
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(|error| refused("the password can't be read from stdin").caused_by(&error))?;
    if text.len() as u64 > LONGEST {
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
