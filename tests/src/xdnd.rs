//! Files dragged from another program, in the protocol XDND 5: this is the side of a file manager.

use std::path::Path;

use url::Url;
use x11rb::NONE;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, EventMask, PropMode, SELECTION_NOTIFY_EVENT,
    SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use crate::x11::Client;
use crate::{wait, webdriver};

/// The newest version of the protocol.
const VERSION: u32 = 5;

/// Drops files on the middle of the window.
///
/// # Panics
/// When it does not take them.
#[track_caller]
pub fn drop_on(window: &webdriver::Window, files: &[&Path]) {
    let client = window.client();
    Drag::enter(&client, middle(&client), files).drop();
}

/// The middle of the window, on the screen.
///
/// # Panics
/// When there is no window.
#[track_caller]
pub fn middle(client: &Client) -> (i16, i16) {
    let area = client.area(client.window("Boxwright"));
    let half = |length: u16| i16::try_from(length / 2).unwrap();
    (area.x + half(area.width), area.y + half(area.height))
}

/// Files that hang from a pointer over a window.
pub struct Drag<'a> {
    client: &'a Client,
    /// The window that takes drops.
    target: Window,
    /// The window that the messages about it go to.
    to: Window,
    point: (i16, i16),
    list: String,
    time: Timestamp,
}

impl<'a> Drag<'a> {
    /// Drags files to a point of the screen.
    ///
    /// # Panics
    /// When nothing there takes drops.
    pub fn enter(client: &'a Client, point: (i16, i16), files: &[&Path]) -> Self {
        let (target, to, version) = target(client, point);
        let list = files
            .iter()
            .map(|file| format!("{}\r\n", Url::from_file_path(file).unwrap()))
            .collect();
        let (atoms, time) = (&client.atoms, client.now());
        client
            .connection
            .set_selection_owner(client.own, atoms.XdndSelection, time)
            .unwrap()
            .check()
            .unwrap();
        let drag = Self {
            client,
            target,
            to,
            point,
            list,
            time,
        };
        drag.tell(atoms.XdndEnter, [version << 24, atoms.URI_LIST, NONE, NONE]);
        drag
    }

    /// Holds still for one answer of the window: whether it would take the files here.
    pub fn is_welcome(&self) -> bool {
        let atoms = &self.client.atoms;
        let place =
            u32::from(self.point.0.cast_unsigned()) << 16 | u32::from(self.point.1.cast_unsigned());
        self.tell(
            atoms.XdndPosition,
            [0, place, self.time, atoms.XdndActionCopy],
        );
        self.answer("XdndStatus", atoms.XdndStatus)[1] & 1 == 1
    }

    /// Holds still until the window would take the files: it may look at them first.
    #[track_caller]
    pub fn welcome(&self) {
        let what = "a window that takes the files";
        wait::until(what, wait::START, || self.is_welcome().then_some(()));
    }

    /// Goes away again with the files.
    pub fn leave(self) {
        self.tell(self.client.atoms.XdndLeave, [0; 4]);
    }

    /// Lets go of the files, as soon as the window takes them, and waits until it has.
    ///
    /// # Panics
    /// When the window says that it could not use them.
    #[track_caller]
    pub fn drop(self) {
        self.welcome();
        let atoms = &self.client.atoms;
        self.tell(atoms.XdndDrop, [0, self.time, 0, 0]);
        let finished = self.answer("XdndFinished", atoms.XdndFinished);
        assert_eq!(finished[1] & 1, 1, "the drop was not accepted");
    }

    /// Sends the window a message, which starts with who sends it.
    fn tell(&self, kind: u32, [a, b, c, d]: [u32; 4]) {
        let data = [self.client.own, a, b, c, d];
        self.client.send(self.to, self.target, kind, data);
    }

    /// The window's next message of this kind. It may ask for the files meanwhile.
    #[track_caller]
    fn answer(&self, what: &str, kind: u32) -> [u32; 5] {
        self.client.event(what, |event| match event {
            Event::SelectionRequest(request) => {
                self.give(request);
                None
            }
            Event::ClientMessage(message) if message.type_ == kind => {
                let data = message.data.as_data32();
                (data[0] == self.target).then_some(data)
            }
            _ => None,
        })
    }

    /// Hands the list of files to who asks for it.
    fn give(&self, request: SelectionRequestEvent) {
        let (connection, atoms) = (&self.client.connection, &self.client.atoms);
        let (to, property) = (request.requestor, request.property);
        let ours = request.selection == atoms.XdndSelection;
        let given = if ours && request.target == atoms.URI_LIST {
            let list = self.list.as_bytes();
            connection.change_property8(PropMode::REPLACE, to, property, request.target, list)
        } else if ours && request.target == atoms.TARGETS {
            let targets = [atoms.TARGETS, atoms.URI_LIST];
            connection.change_property32(PropMode::REPLACE, to, property, AtomEnum::ATOM, &targets)
        } else {
            connection.delete_property(to, property)
        };
        given.unwrap().ignore_error();
        let known = ours && [atoms.URI_LIST, atoms.TARGETS].contains(&request.target);
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: to,
            selection: request.selection,
            target: request.target,
            property: if known { property } else { NONE },
        };
        connection
            .send_event(false, to, EventMask::NO_EVENT, answer)
            .unwrap()
            .ignore_error();
        x11rb::connection::Connection::flush(connection).unwrap();
    }
}

/// The outermost window at a point that takes drops, the window that stands in for it in the
/// protocol, and the version that both sides know.
fn target(client: &Client, (x, y): (i16, i16)) -> (Window, Window, u32) {
    let (connection, atoms) = (&client.connection, &client.atoms);
    let mut at = client.root;
    loop {
        let within = connection.translate_coordinates(client.root, at, x, y);
        at = within.unwrap().reply().unwrap().child;
        assert_ne!(at, NONE, "nothing at {x}, {y} takes drops");
        let proxy = |window| client.numbers(window, atoms.XdndProxy, AtomEnum::WINDOW);
        // One that names itself is alive; another is what a program that crashed left behind.
        let to = match proxy(at)[..] {
            [one] if proxy(one)[..] == [one] => one,
            _ => at,
        };
        if let [version, ..] = client.numbers(to, atoms.XdndAware, AtomEnum::ATOM)[..] {
            return (at, to, version.min(VERSION));
        }
    }
}
