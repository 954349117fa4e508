//! The smallest usual screen, and no mouse: everything is reached, seen and used by the keyboard.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::time::Duration;

use boxwright_tests::display::Display;
use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::webdriver::Window;
use boxwright_tests::x11::{Area, Client};
use boxwright_tests::{Missing, Sandbox, need, onnx, picture, wait};
use serde_json::Value;

const SCREEN: (u16, u16) = (1024, 700);
const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const LEFT: &str = "\u{e012}";

/// More stops than the window has.
const MANY: usize = 150;
/// The pixels of a ring around the smallest button; a caret has fewer.
const RING: usize = 80;

fn colours(sandbox: &Sandbox) -> Result<Window, Missing> {
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let folder = sandbox.path("work/pictures");
    picture::write_many(&folder, 8);
    let display = Display::start(SCREEN.0.into(), SCREEN.1.into())?;
    let window = Window::open_on(display, sandbox, &[&package, &folder], &[])?;
    window.previewed();
    let size = window.script("return [window.innerWidth, window.innerHeight]");
    assert_eq!(size, serde_json::json!([SCREEN.0, SCREEN.1]));
    Ok(window)
}

/// Where the focus is: the `data-testid` of the control, or what it is made of.
fn focused(window: &Window) -> Value {
    window.script(
        "const one = document.activeElement; \
         return one === null || one === document.body ? null : one.dataset.testid ?? one.outerHTML.slice(0, 160)",
    )
}

/// Presses Tab until the control with this `data-testid` has the focus.
#[track_caller]
fn tab_to(window: &Window, id: &str) {
    let mut passed = Vec::new();
    for _ in 0..MANY {
        window.keys(TAB);
        let at = focused(window);
        if at == id {
            return;
        }
        passed.push(at);
    }
    panic!("Tab does not reach {id}, but {passed:#?}");
}

#[test]
fn tab_goes_through_the_window_in_its_order_and_the_focus_is_seen() {
    let sandbox = Sandbox::new();
    let window = need!(colours(&sandbox));
    window.find("to-registry").click();
    window.find("sign-in");
    let client = window.client();
    window.script("document.activeElement?.blur(); window.getSelection().removeAllRanges()");
    let mut order = Vec::new();
    for _ in 0..MANY {
        window.keys(TAB);
        let at = focused(&window);
        if at.is_null() || order.first() == Some(&at) {
            break;
        }
        the_focus_is_seen(&window, &client, &at);
        order.push(at);
    }
    let landmarks = [
        "package-name",
        "package-version",
        "settings",
        "field-preprocess.mean",
        "add-pictures",
        "export",
        "grid",
        "target-cpu",
        "to-registry",
        "sign-in",
        "repository",
        "tag",
        "prove",
        "publish",
    ];
    let places: Vec<_> = landmarks
        .iter()
        .map(|id| order.iter().position(|at| at == id))
        .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{landmarks:?} are at {places:?} of {order:#?}"
    );
}

/// What has the focus is in sight, not covered, and looks different from what has not.
#[track_caller]
fn the_focus_is_seen(window: &Window, client: &Client, what: &Value) {
    let place = window.script_async(
        "const done = arguments[arguments.length - 1]; \
         const one = document.activeElement; \
         const shown = one.closest('label') ?? one; \
         requestAnimationFrame(() => requestAnimationFrame(() => { \
           const { left, top, right, bottom } = shown.getBoundingClientRect(); \
           const [x, y] = [Math.max(left, 0), Math.max(top, 0)]; \
           const [width, height] = [Math.min(right, innerWidth) - x, Math.min(bottom, innerHeight) - y]; \
           const hit = document.elementFromPoint(x + width / 2, y + Math.min(height / 2, 40)); \
           done({ x, y, width, height, free: hit !== null && (shown.contains(hit) || hit.contains(one)) }); \
         }))",
    );
    assert_eq!(place["free"], true, "{what} is covered: {place}");
    let number = |name: &str| place[name].as_f64().unwrap();
    assert!(
        number("width") >= 8.0 && number("height") >= 8.0,
        "{what} is out of sight: {place}"
    );
    let area = around(number("x"), number("y"), number("width"), number("height"));
    let seen = wait::maybe(Duration::from_secs(10), || {
        let with = painted(window, client, area, "");
        let without = painted(window, client, area, "window.left = one; one.blur();");
        window.script("window.left.focus({ preventScroll: true })");
        let pixels = with.chunks_exact(4).zip(without.chunks_exact(4));
        (pixels.filter(|(a, b)| a != b).count() >= RING).then_some(())
    });
    assert!(seen.is_some(), "the focus on {what} is not seen: {place}");
}

/// An element's place and a few pixels more, for what is drawn around it, within the screen.
fn around(x: f64, y: f64, width: f64, height: f64) -> Area {
    let grown = |from: f64, length: f64, most: u16| {
        let start = (from - 5.0).max(0.0);
        let end = (from + length + 5.0).min(f64::from(most));
        (start as i16, (end - start) as u16)
    };
    let ((x, width), (y, height)) = (grown(x, width, SCREEN.0), grown(y, height, SCREEN.1));
    Area {
        x,
        y,
        width,
        height,
    }
}

/// What the screen shows after `script` was run with the focused element as `one`.
fn painted(window: &Window, client: &Client, area: Area, script: &str) -> Vec<u8> {
    window.script_async(&format!(
        "const done = arguments[arguments.length - 1]; const one = document.activeElement; {script} \
         requestAnimationFrame(() => requestAnimationFrame(() => done(true)))"
    ));
    client.pixels(area)
}

#[test]
fn an_image_is_published_and_its_digest_copied_without_a_mouse() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let window = need!(colours(&sandbox));
    tab_to(&window, "to-archive");
    window.keys(LEFT);
    assert_eq!(focused(&window), "to-registry", "arrows choose");
    tab_to(&window, "sign-in");
    window.keys(ENTER);
    window.find("sign-in-dialog");
    assert_eq!(focused(&window), "sign-in-registry");
    window.keys(&registry.host());
    tab_to(&window, "sign-in-anonymous");
    window.keys(" ");
    window.until(
        "no dialog",
        "!document.querySelector('[data-testid=sign-in-dialog]')",
    );
    tab_to(&window, "publish");
    window.keys(ENTER);
    window.find("result");
    tab_to(&window, "copy-digest");
    window.keys(ENTER);
    let digest = window.css("[data-testid=result] [data-digest]");
    let digest = digest.attribute("data-digest").unwrap();
    wait::until("the digest in the clipboard", wait::START, || {
        (window.client().clipboard()? == digest).then_some(())
    });
}

#[test]
fn escape_closes_what_is_open_and_the_focus_goes_back() {
    let sandbox = Sandbox::new();
    let window = need!(colours(&sandbox));
    window.find("to-registry").click();
    let opened = [
        ("open-menu", "open-sample"),
        ("settings", "settings-dialog"),
        ("add-menu", "clear-pictures"),
        ("sign-in", "sign-in-dialog"),
    ];
    for (button, shown) in opened {
        tab_to(&window, button);
        window.keys(ENTER);
        window.find(shown);
        escape(&window, shown);
        assert_eq!(focused(&window), button, "after {shown}");
    }
    tab_to(&window, "grid");
    window.keys("\u{e014}");
    window.keys(ENTER);
    window.find("viewer");
    escape(&window, "viewer");
    assert_eq!(focused(&window), "grid", "after the viewer");
    tab_to(&window, "package-version");
    window.keys("5");
    window.find("save");
    window.client().close(window.client().window("Boxwright"));
    window.find("unsaved-dialog");
    assert_eq!(focused(&window), "unsaved-save", "Enter saves");
    escape(&window, "unsaved-dialog");
    assert_eq!(focused(&window), "package-version");
}

/// Presses Escape, which puts the thing with this `data-testid` away.
#[track_caller]
fn escape(window: &Window, id: &str) {
    window.keys(ESCAPE);
    let gone = format!("!document.querySelector('[data-testid={id}]')");
    window.until("what Escape closes", &gone);
}
