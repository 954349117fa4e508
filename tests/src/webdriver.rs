//! The real window, driven by `tauri-driver` and WebKit's own driver, in the W3C's protocol.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::display::Display;
use crate::missing::{Missing, program};
use crate::programs;
use crate::sandbox::Sandbox;
use crate::server::{Server, free_port};
use crate::wait;
use crate::x11;

/// The key under which the protocol names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A window of the studio.
#[derive(Debug)]
pub struct Window {
    session: String,
    agent: ureq::Agent,
    _driver: Server,
    display: Display,
}

/// An element of the page.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    window: &'a Window,
    id: String,
}

impl Window {
    /// Opens the studio on these files, as if they had been dropped, in the sandbox's home, with
    /// more variables where a test needs them.
    pub fn open(
        sandbox: &Sandbox,
        files: &[&Path],
        more: &[(&str, &str)],
    ) -> Result<Self, Missing> {
        Self::open_on(Display::start(1440, 900)?, sandbox, files, more)
    }

    /// Opens the studio on this display.
    pub fn open_on(
        display: Display,
        sandbox: &Sandbox,
        files: &[&Path],
        more: &[(&str, &str)],
    ) -> Result<Self, Missing> {
        let driver = programs::tools().join("tools/bin/tauri-driver");
        let driver = if driver.is_file() {
            driver
        } else {
            program("tauri-driver")?
        };
        let native = program("WebKitWebDriver")?;
        let studio = programs::program("boxwright-studio");
        let (port, native_port) = (free_port(), free_port());
        let mut command = Command::new(driver);
        command
            .arg("--port")
            .arg(port.to_string())
            .arg("--native-port")
            .arg(native_port.to_string())
            .arg("--native-driver")
            .arg(native)
            .envs(sandbox.environment())
            .env("DISPLAY", display.name())
            // Neither a GPU nor the kernel's sandbox for renderers can be counted on here.
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .envs(more.iter().copied())
            .current_dir(sandbox.path("work"));
        let server = Server::start(&command, &sandbox.path("tmp/driver.log"));
        for (what, port) in [("WebKitWebDriver", native_port), ("tauri-driver", port)] {
            wait::until(what, wait::START, || {
                std::net::TcpStream::connect(("127.0.0.1", port)).ok()
            });
        }
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(wait::LONG))
            .build()
            .new_agent();
        let files: Vec<_> = files.iter().map(|file| file.to_str().unwrap()).collect();
        let options = json!({"application": studio, "args": files});
        let wanted = json!({"capabilities": {"alwaysMatch": {"tauri:options": options}}});
        let base = format!("http://127.0.0.1:{port}/session");
        let answer = send(agent.post(&base).send_json(&wanted));
        let id = answer["sessionId"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}\n{}", server.log()));
        let session = format!("{base}/{id}");
        let window = Self {
            session,
            agent,
            _driver: server,
            display,
        };
        // It is made hidden, and shown once it is painted; before that nothing can be pressed.
        window.until(
            "a window that is shown",
            "document.elementFromPoint(200, 200) !== null",
        );
        Ok(window)
    }

    /// Another client of the window's display.
    pub fn client(&self) -> x11::Client {
        x11::Client::new(&self.display)
    }

    /// Presses the mouse's button on the element with this `data-testid`. Nothing is asked of the
    /// page after that: it may be the end of it.
    #[track_caller]
    pub fn press(&self, id: &str) {
        let button = self.find(id);
        let client = self.client();
        let window = client.area(client.window("Boxwright"));
        let middle = |start: i16, from: &str, length: &str| {
            let half = button.number(length) / 2.0;
            start + (button.number(from) + half) as i16
        };
        client.click(
            middle(window.x, "x", "width"),
            middle(window.y, "y", "height"),
        );
    }

    /// The element with this `data-testid`, once it is there.
    #[track_caller]
    pub fn find(&self, id: &str) -> Element<'_> {
        self.css(&format!("[data-testid=\"{id}\"]"))
    }

    /// The first element that a selector matches, once it is there.
    #[track_caller]
    pub fn css(&self, selector: &str) -> Element<'_> {
        wait::maybe(wait::START, || self.all(selector).into_iter().next())
            .unwrap_or_else(|| panic!("no {selector} in the page:\n{}", self.text()))
    }

    /// All elements that a selector matches now.
    #[track_caller]
    pub fn all(&self, selector: &str) -> Vec<Element<'_>> {
        let found = self.post(
            "elements",
            &json!({"using": "css selector", "value": selector}),
        );
        let found = found
            .as_array()
            .unwrap_or_else(|| panic!("{selector}: {found}"));
        let id = |element: &Value| element[ELEMENT].as_str().unwrap().to_owned();
        found
            .iter()
            .map(|element| Element {
                window: self,
                id: id(element),
            })
            .collect()
    }

    /// Whether there is an element with this `data-testid` now.
    #[track_caller]
    pub fn shows(&self, id: &str) -> bool {
        let script = format!("return document.querySelector('[data-testid=\"{id}\"]') !== null");
        self.script(&script) == true
    }

    /// What the first element with this `data-testid` says now; nothing where there is none.
    #[track_caller]
    pub fn said_by(&self, id: &str) -> Option<String> {
        self.of(id, "innerText")
    }

    /// A `data-` attribute, by its name in JavaScript, of the first element with this
    /// `data-testid` now.
    #[track_caller]
    pub fn data(&self, id: &str, name: &str) -> Option<String> {
        self.of(id, &format!("dataset.{name}"))
    }

    /// What is in the first field with this `data-testid` now.
    #[track_caller]
    pub fn value(&self, id: &str) -> Option<String> {
        self.of(id, "value")
    }

    /// In one step: between finding an element and asking it, the page may have made it anew.
    #[track_caller]
    fn of(&self, id: &str, what: &str) -> Option<String> {
        let script =
            format!("return document.querySelector('[data-testid=\"{id}\"]')?.{what} ?? null");
        self.script(&script).as_str().map(str::to_owned)
    }

    /// What the page says, as its user reads it.
    #[track_caller]
    pub fn text(&self) -> String {
        self.script("return document.body.innerText")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until the page says `text`.
    #[track_caller]
    pub fn says(&self, text: &str) {
        let said = wait::maybe(wait::LONG, || self.text().contains(text).then_some(()));
        said.unwrap_or_else(|| panic!("the page does not say `{text}` but:\n{}", self.text()));
    }

    /// Waits until `condition`, JavaScript's expression, holds in the page; its value.
    #[track_caller]
    pub fn until(&self, what: &str, condition: &str) -> Value {
        let script = format!("return {condition}");
        let truthy = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        wait::maybe(wait::LONG, || Some(self.script(&script)).filter(truthy))
            .unwrap_or_else(|| panic!("{what}: not in the page:\n{}", self.text()))
    }

    /// Waits until the preview of all samples is over and shown.
    #[track_caller]
    pub fn previewed(&self) {
        self.until(
            "a finished preview",
            "document.querySelector('[data-testid=preview-status][data-status=done]') !== null",
        );
    }

    /// Runs the body of a function in the page.
    #[track_caller]
    pub fn script(&self, body: &str) -> Value {
        self.post("execute/sync", &json!({"script": body, "args": []}))
    }

    /// Runs the body of a function that calls its last argument with the result.
    #[track_caller]
    pub fn script_async(&self, body: &str) -> Value {
        self.post("execute/async", &json!({"script": body, "args": []}))
    }

    /// Types keys where the focus is. The protocol's code points name special keys.
    #[track_caller]
    pub fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key})))
            .collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("actions", &json!({"actions": [keyboard]}));
    }

    /// Saves a picture of the page.
    ///
    /// The driver takes it when the page has next been painted, for which it would wait forever where
    /// nothing changes: a dot that nobody sees changes meanwhile.
    ///
    /// # Panics
    /// When the file can't be written.
    #[track_caller]
    pub fn screenshot(&self, file: &Path) {
        self.script(
            "const dot = document.createElement('i'); dot.dataset.testid = 'dot'; dot.ariaHidden = 'true'; \
             Object.assign(dot.style, { position: 'fixed', width: '1px', height: '1px', opacity: 0 }); \
             document.body.append(dot); let on = false; \
             const change = () => { if (!dot.isConnected) return; \
               on = !on; dot.style.opacity = on ? 0.01 : 0.02; requestAnimationFrame(change); }; change()",
        );
        let answer = send(
            self.agent
                .get(format!("{}/screenshot", self.session))
                .call(),
        );
        self.script("document.querySelector('[data-testid=dot]').remove()");
        std::fs::write(file, STANDARD.decode(answer.as_str().unwrap()).unwrap()).unwrap();
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.post("refresh", &json!({}));
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        send(
            self.agent
                .post(format!("{}/{path}", self.session))
                .send_json(body),
        )
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // Ends the studio too; the driver itself goes with its process.
        let quick = self.agent.delete(&self.session).config();
        let _ = quick
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .call();
    }
}

impl Element<'_> {
    /// Clicks it, once it can be: it may still scroll into view.
    #[track_caller]
    pub fn click(&self) {
        let url = self.url("click");
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let answer = self.window.agent.post(&url).send_json(json!({}));
            let refused = answer.as_ref().is_ok_and(|answer| answer.status() == 400);
            if !refused || Instant::now() > deadline {
                send(answer);
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clears it, if it is a field, and types.
    #[track_caller]
    pub fn fill(&self, text: &str) {
        self.post("clear", &json!({}));
        self.kind(text);
    }

    /// Types into it.
    #[track_caller]
    pub fn kind(&self, text: &str) {
        self.post("value", &json!({"text": text}));
    }

    /// What it says, as its user reads it.
    #[track_caller]
    pub fn text(&self) -> String {
        self.property("innerText")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// A property of its JavaScript object.
    #[track_caller]
    pub fn property(&self, name: &str) -> Value {
        self.get(&format!("property/{name}"))
    }

    /// An attribute.
    #[track_caller]
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.get(&format!("attribute/{name}"))
            .as_str()
            .map(str::to_owned)
    }

    /// A number of its place in the page: `x`, `y`, `width` or `height`, in pixels.
    #[track_caller]
    fn number(&self, name: &str) -> f64 {
        self.get("rect")[name].as_f64().unwrap()
    }

    /// Whether it can be used.
    #[track_caller]
    pub fn enabled(&self) -> bool {
        self.get("enabled") == true
    }

    fn url(&self, path: &str) -> String {
        format!("{}/element/{}/{path}", self.window.session, self.id)
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        send(self.window.agent.get(self.url(path)).call())
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) {
        send(self.window.agent.post(self.url(path)).send_json(body));
    }
}

/// The value of the driver's answer.
#[track_caller]
fn send(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Value {
    let mut answer = answer.unwrap_or_else(|error| panic!("the driver does not answer: {error}"));
    let status = answer.status();
    let text = answer
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string()
        .unwrap();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    assert!(status.is_success(), "the driver answers {status}: {text}");
    value["value"].clone()
}
