//! The window is for everybody: by keyboard, by screen reader, with very many pictures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;

use boxwright_tests::webdriver::Window;
use boxwright_tests::{Sandbox, need, onnx, picture, programs};
use serde_json::Value;

const TAB: &str = "\u{e004}";
const ESCAPE: &str = "\u{e00c}";
const END: &str = "\u{e010}";

fn colours(sandbox: &Sandbox, pictures: u32) -> Result<Window, boxwright_tests::Missing> {
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let folder = sandbox.path("work/pictures");
    picture::write_many(&folder, pictures);
    let window = Window::open(sandbox, &[&package, &folder], &[])?;
    window.previewed();
    Ok(window)
}

#[test]
fn axe_finds_nothing_in_any_state_and_theme() {
    let axe = programs::checkout().join("ui/node_modules/axe-core/axe.min.js");
    let Ok(axe) = fs::read_to_string(axe) else {
        boxwright_tests::skip!("axe-core is not installed: `npm ci` in ui/");
    };
    let sandbox = Sandbox::new();
    let window = need!(colours(&sandbox, 8));
    window.script(&axe);
    for theme in ["light", "dark"] {
        window.script(&format!(
            "document.documentElement.dataset.theme = '{theme}'"
        ));
        assert_accessible(&window, &format!("the filled window, {theme}"));
        window.find("settings").click();
        window.find("settings-dialog");
        assert_accessible(&window, &format!("the settings, {theme}"));
        window.keys(ESCAPE);
        window.until(
            "no settings",
            "!document.querySelector('[data-testid=settings-dialog]')",
        );
        window.find("card").click();
        window.find("viewer");
        assert_accessible(&window, &format!("the viewer, {theme}"));
        window.find("viewer-close").click();
        window.find("to-registry").click();
        window.find("sign-in").click();
        window.find("sign-in-dialog");
        assert_accessible(&window, &format!("the sign-in dialog, {theme}"));
        window.keys(ESCAPE);
        window.until(
            "no dialog",
            "!document.querySelector('[data-testid=sign-in-dialog]')",
        );
    }
}

/// Colours are judged once nothing moves. WebKit leaves the promise `finished` of some transitions open
/// that have long ended, so their state is asked.
fn assert_accessible(window: &Window, what: &str) {
    let found = window.script_async(
        "const done = arguments[arguments.length - 1]; \
         const ends = (one) => one.effect.getComputedTiming().endTime !== Infinity; \
         const moving = () => document.getAnimations().some((one) => one.playState === 'running' && ends(one)); \
         const still = async () => { while (moving()) await new Promise(requestAnimationFrame); }; \
         still().then(() => axe.run(document, { resultTypes: ['violations'] })).then( \
           (result) => done(result.violations.map((one) => [one.id, one.help, one.nodes.map((node) => node.html)])), \
           (error) => done(String(error)))",
    );
    assert_eq!(found, Value::Array(Vec::new()), "{what}: {found:#}");
}

#[test]
fn five_hundred_pictures_scroll_with_a_bounded_number_of_nodes() {
    let sandbox = Sandbox::new();
    let window = need!(colours(&sandbox, 500));
    assert_eq!(window.data("grid", "count").as_deref(), Some("500"));
    // One pass over the whole list, a screenful at a time, each step painted.
    let walk = "const done = arguments[arguments.length - 1]; \
        const box = document.querySelector('[data-testid=grid]').parentElement; \
        const frame = () => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next))); \
        (async () => { \
          let cards = 0, nodes = 0, blank = 0; const seen = new Set(); \
          for (let top = 0; top < box.scrollHeight; top += box.clientHeight / 2) { \
            box.scrollTop = top; await frame(); \
            const shown = [...document.querySelectorAll('[data-testid=card]')]; \
            cards = Math.max(cards, shown.length); \
            nodes = Math.max(nodes, document.querySelectorAll('*').length); \
            const edge = box.getBoundingClientRect(); \
            const inSight = shown.filter((card) => { const at = card.getBoundingClientRect(); return at.bottom > edge.top && at.top < edge.bottom; }); \
            if (inSight.length === 0) blank += 1; \
            for (const card of inSight) seen.add(card.dataset.id); \
          } \
          return { cards, nodes, blank, seen: seen.size }; \
        })().then(done, (error) => done(String(error)))";
    let walked = window.script_async(walk);
    assert_eq!(walked["seen"], 500, "{walked}");
    assert_eq!(walked["blank"], 0, "{walked}");
    assert!(walked["cards"].as_u64().unwrap() <= 60, "{walked}");
    assert!(walked["nodes"].as_u64().unwrap() <= 2500, "{walked}");
}

#[test]
fn the_keyboard_reaches_everything() {
    let sandbox = Sandbox::new();
    let window = need!(colours(&sandbox, 8));
    // What a mouse could use, each by a number; of radio buttons the keyboard stops at one a group.
    let count = window.script(
        "const usable = [...document.querySelectorAll('button, input, select, textarea, a[href], [tabindex=\"0\"]')] \
           .filter((one) => !one.disabled && one.tabIndex >= 0 && one.checkVisibility()) \
           .filter((one) => one.type !== 'radio' || one.checked); \
         usable.forEach((one, at) => one.dataset.reach = at); return usable.length",
    );
    let count = usize::try_from(count.as_u64().unwrap()).unwrap();
    assert!(count > 20, "only {count} things to use");
    window.script("document.activeElement?.blur(); window.getSelection().removeAllRanges()");
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..count + 10 {
        window.keys(TAB);
        let at = window.script("return document.activeElement?.dataset?.reach ?? null");
        reached.extend(at.as_str().map(|at| at.parse::<usize>().unwrap()));
    }
    let missed: Vec<_> = (0..count).filter(|at| !reached.contains(at)).collect();
    let names = window.script(&format!(
        "return {missed:?}.map((at) => document.querySelector(`[data-reach=\"${{at}}\"]`)?.outerHTML.slice(0, 120))"
    ));
    assert!(missed.is_empty(), "Tab does not reach {names:#}");
    window.script("document.querySelector('[data-testid=grid]').focus()");
    window.keys(END);
    window.until(
        "the last picture",
        "document.querySelector('[aria-posinset=\"8\"]') !== null",
    );
}
