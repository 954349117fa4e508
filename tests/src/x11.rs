//! Another client of an X display: what a window manager, a clipboard's reader or a person at the
//! keyboard does to windows that are not the test's own.

use std::time::Duration;

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt as _,
    CreateWindowAux, EventMask, ImageFormat, InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    MOTION_NOTIFY_EVENT, MapState, PropMode, Timestamp, WindowClass,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use x11rb::{CURRENT_TIME, NONE};

use crate::display::Display;
use crate::wait;

pub use x11rb::protocol::xproto::Window;

/// Keys by their symbol's number, as `keysymdef.h` has them.
pub const RETURN: u32 = 0xff0d;
/// Either Control.
pub const CONTROL: u32 = 0xffe3;
const SHIFT: u32 = 0xffe1;

x11rb::atom_manager! {
    pub(crate) Atoms: AtomsCookie {
        BOXWRIGHT_TESTS,
        CLIPBOARD,
        TARGETS,
        UTF8_STRING,
        WM_DELETE_WINDOW,
        WM_PROTOCOLS,
        _NET_WM_NAME,
        _NET_WM_PID,
        URI_LIST: b"text/uri-list",
        XdndActionCopy,
        XdndAware,
        XdndDrop,
        XdndEnter,
        XdndFinished,
        XdndLeave,
        XdndPosition,
        XdndProxy,
        XdndSelection,
        XdndStatus,
    }
}

/// A connection to a display, with a window of its own that nobody sees.
pub struct Client {
    pub(crate) connection: RustConnection,
    pub(crate) atoms: Atoms,
    pub(crate) root: Window,
    pub(crate) own: Window,
}

/// A part of the screen, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    /// From the left.
    pub x: i16,
    /// From the top.
    pub y: i16,
    /// To the right.
    pub width: u16,
    /// Downwards.
    pub height: u16,
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// When the display does not answer.
    pub fn new(display: &Display) -> Self {
        let (connection, screen) = RustConnection::connect(Some(&display.name())).unwrap();
        let root = connection.setup().roots[screen].root;
        let own = connection.generate_id().unwrap();
        let listening = CreateWindowAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        let (class, depth, visual) = (WindowClass::INPUT_OUTPUT, 0, 0);
        connection
            .create_window(depth, own, root, 0, 0, 1, 1, 0, class, visual, &listening)
            .unwrap()
            .check()
            .unwrap();
        let atoms = Atoms::new(&connection).unwrap().reply().unwrap();
        Self {
            connection,
            atoms,
            root,
            own,
        }
    }

    /// The window with this title, once it is shown.
    #[track_caller]
    pub fn window(&self, title: &str) -> Window {
        wait::maybe(wait::START, || self.named(title)).unwrap_or_else(|| {
            let titles: Vec<_> = self
                .shown()
                .into_iter()
                .map(|one| self.title(one))
                .collect();
            panic!("no window `{title}` on the display, but {titles:?}")
        })
    }

    /// The window with this title that is shown now.
    pub fn named(&self, title: &str) -> Option<Window> {
        let mut shown = self.shown().into_iter();
        shown.find(|window| self.title(*window) == title)
    }

    /// Without a window manager every program's windows are the root's children.
    fn shown(&self) -> Vec<Window> {
        let tree = self.connection.query_tree(self.root).unwrap();
        let mut windows = tree.reply().unwrap().children;
        windows.retain(|window| {
            let attributes = self.connection.get_window_attributes(*window).unwrap();
            // It may be gone by now.
            attributes
                .reply()
                .is_ok_and(|attributes| attributes.map_state == MapState::VIEWABLE)
        });
        windows
    }

    fn title(&self, window: Window) -> String {
        let name = self.property(window, self.atoms._NET_WM_NAME, self.atoms.UTF8_STRING);
        String::from_utf8_lossy(&name).into_owned()
    }

    /// A property's bytes, at most 4 MB; none where it is not set or of another type.
    pub(crate) fn property(&self, window: Window, name: u32, kind: u32) -> Vec<u8> {
        let asked = self
            .connection
            .get_property(false, window, name, kind, 0, 1 << 20)
            .unwrap();
        asked.reply().map(|reply| reply.value).unwrap_or_default()
    }

    /// A property of numbers.
    pub(crate) fn numbers(&self, window: Window, name: u32, kind: AtomEnum) -> Vec<u32> {
        self.property(window, name, kind.into())
            .chunks_exact(4)
            .map(|word| u32::from_ne_bytes(word.try_into().unwrap()))
            .collect()
    }

    /// Where a window is on the screen.
    ///
    /// # Panics
    /// When it is gone.
    pub fn area(&self, window: Window) -> Area {
        let size = self.connection.get_geometry(window).unwrap();
        let size = size.reply().unwrap();
        let at = self
            .connection
            .translate_coordinates(window, self.root, 0, 0);
        let at = at.unwrap().reply().unwrap();
        Area {
            x: at.dst_x,
            y: at.dst_y,
            width: size.width,
            height: size.height,
        }
    }

    /// The process that a window says it is of.
    ///
    /// # Panics
    /// When it says none.
    pub fn process(&self, window: Window) -> u32 {
        self.numbers(window, self.atoms._NET_WM_PID, AtomEnum::CARDINAL)[0]
    }

    /// What the cross of a window's frame does: asks the program to close it.
    ///
    /// # Panics
    /// When the window does not take that message: its program would be killed.
    pub fn close(&self, window: Window) {
        let (protocols, delete) = (self.atoms.WM_PROTOCOLS, self.atoms.WM_DELETE_WINDOW);
        let taken = self.numbers(window, protocols, AtomEnum::ATOM);
        assert!(taken.contains(&delete), "no WM_DELETE_WINDOW in {taken:?}");
        self.send(window, window, protocols, [delete, self.now(), 0, 0, 0]);
    }

    /// Sends `to` a message that is about `window`.
    pub(crate) fn send(&self, to: Window, window: Window, kind: u32, data: [u32; 5]) {
        let message = ClientMessageEvent::new(32, window, kind, data);
        self.connection
            .send_event(false, to, EventMask::NO_EVENT, message)
            .unwrap();
        self.done();
    }

    /// Waits until the display has done all that was asked of it. What it has not read yet when a
    /// client leaves, it drops.
    fn done(&self) {
        self.connection.sync().unwrap();
    }

    /// The first event that `pick` has use for.
    #[track_caller]
    pub(crate) fn event<T>(&self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        self.maybe_event(wait::START, &mut pick)
            .unwrap_or_else(|| panic!("{what}: not within {:?}", wait::START))
    }

    fn maybe_event<T>(
        &self,
        limit: Duration,
        pick: &mut impl FnMut(Event) -> Option<T>,
    ) -> Option<T> {
        self.connection.flush().unwrap();
        wait::maybe(limit, || {
            while let Some(event) = self.connection.poll_for_event().unwrap() {
                let picked = pick(event);
                if picked.is_some() {
                    return picked;
                }
            }
            None
        })
    }

    /// The display's time: that of a change to a property, as X's conventions have it.
    pub(crate) fn now(&self) -> Timestamp {
        let name = self.atoms.BOXWRIGHT_TESTS;
        self.connection
            .change_property8(PropMode::APPEND, self.own, name, AtomEnum::STRING, b"")
            .unwrap();
        self.event("the display's time", |event| match event {
            Event::PropertyNotify(event) if event.window == self.own => Some(event.time),
            _ => None,
        })
    }

    /// The clipboard's text, asked for as any program does that pastes; none where nobody offers
    /// text.
    pub fn clipboard(&self) -> Option<String> {
        let (clipboard, text) = (self.atoms.CLIPBOARD, self.atoms.UTF8_STRING);
        let into = self.atoms.BOXWRIGHT_TESTS;
        self.connection
            .convert_selection(self.own, clipboard, text, into, self.now())
            .unwrap();
        let given = self.event("the clipboard's owner", |event| match event {
            Event::SelectionNotify(event) if event.selection == clipboard => Some(event.property),
            _ => None,
        });
        let text = (given != NONE).then(|| self.property(self.own, into, text))?;
        self.connection.delete_property(self.own, into).unwrap();
        Some(String::from_utf8(text).unwrap())
    }

    /// What an area of the screen shows, four bytes a pixel.
    ///
    /// # Panics
    /// When it is not on the screen.
    pub fn pixels(&self, area: Area) -> Vec<u8> {
        let Area {
            x,
            y,
            width,
            height,
        } = area;
        let asked = self
            .connection
            .get_image(ImageFormat::Z_PIXMAP, self.root, x, y, width, height, !0)
            .unwrap();
        asked.reply().unwrap().data
    }

    /// Presses the mouse's first button at a point of the screen.
    pub fn click(&self, x: i16, y: i16) {
        let steps = [
            (MOTION_NOTIFY_EVENT, 0),
            (BUTTON_PRESS_EVENT, 1),
            (BUTTON_RELEASE_EVENT, 1),
        ];
        for (kind, button) in steps {
            self.connection
                .xtest_fake_input(kind, button, CURRENT_TIME, self.root, x, y, 0)
                .unwrap();
        }
        self.done();
    }

    /// Gives a window the keyboard, as a window manager does.
    pub fn focus(&self, window: Window) {
        self.connection
            .set_input_focus(InputFocus::POINTER_ROOT, window, CURRENT_TIME)
            .unwrap()
            .check()
            .unwrap();
    }

    /// Types Latin letters, digits and punctuation where the keyboard's focus is.
    pub fn kind(&self, text: &str) {
        for letter in text.chars() {
            self.press(&[letter.into()]);
        }
    }

    /// Presses keys together and lets them go, the last first.
    ///
    /// # Panics
    /// When the keyboard lacks one.
    pub fn press(&self, keys: &[u32]) {
        let codes: Vec<u8> = keys.iter().flat_map(|key| self.codes(*key)).collect();
        let down = codes.iter().map(|code| (KEY_PRESS_EVENT, *code));
        let up = codes.iter().rev().map(|code| (KEY_RELEASE_EVENT, *code));
        for (kind, code) in down.chain(up) {
            self.connection
                .xtest_fake_input(kind, code, CURRENT_TIME, NONE, 0, 0, 0)
                .unwrap();
        }
        self.done();
    }

    /// The codes of the keys that give a symbol: Shift before it where it takes that.
    fn codes(&self, symbol: u32) -> Vec<u8> {
        let setup = self.connection.setup();
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let mapping = self
            .connection
            .get_keyboard_mapping(first, last - first + 1);
        let mapping = mapping.unwrap().reply().unwrap();
        let columns = usize::from(mapping.keysyms_per_keycode);
        let find = |column: usize| {
            let mut keys = mapping.keysyms.chunks_exact(columns).zip(first..=last);
            keys.find_map(|(symbols, code)| (symbols[column] == symbol).then_some(code))
        };
        match (find(0), find(1)) {
            (Some(code), _) => vec![code],
            (None, Some(code)) => [self.codes(SHIFT), vec![code]].concat(),
            (None, None) => panic!("no key gives the symbol {symbol:#x}"),
        }
    }
}
