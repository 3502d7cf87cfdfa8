//! The chat application's clients. Each is a member of one room, looks at its user, posts fifty messages, and fetches what waits for it, over
//! and over (1 : 50 : 1). What a message says tells who sent it and as which of his, so that each member can keep books of what it gets in its room.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use crate::connection::Connection;
use crate::script::{Answer, Fault, Request, Script};

/// Messages that a client posts between a look at its user and a fetch.
const POSTS: u64 = 50;

/// What a user is, as the application says.
#[derive(Deserialize)]
struct User {
    username: String,
    #[serde(rename = "fullName")]
    full_name: String,
    #[serde(rename = "pendingMessages")]
    pending_messages: u64,
}

/// A message that waited; those of the room itself are from nobody.
#[derive(Deserialize)]
struct Message {
    from: Option<String>,
    room: String,
    text: String,
}

/// Messages of one sender that came to one member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Received {
    /// One more than the highest number.
    next: u64,
    /// Lower numbers that did not come yet.
    missing: BTreeSet<u64>,
    doubled: u64,
}

impl Received {
    fn note(&mut self, number: u64) {
        if number >= self.next {
            self.missing.extend(self.next..number);
            self.next = number + 1;
        } else if !self.missing.remove(&number) {
            self.doubled += 1;
        }
    }

    fn has(&self, number: u64) -> bool {
        number < self.next && !self.missing.contains(&number)
    }
}

/// One client and its books.
#[derive(Clone, Debug)]
pub struct Chat {
    room: String,
    user: String,
    step: u64,
    /// Messages that were posted, and the numbers of those whose post failed, so that nobody knows whether they are there.
    posted: u64,
    unsure: BTreeSet<u64>,
    received: BTreeMap<String, Received>,
}

/// What all members' books say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Messages that the application said it had taken.
    pub posted: u64,
    /// How often members should have got one.
    pub expected: u64,
    /// Those that did not come.
    pub lost: u64,
    /// Those that came once more.
    pub doubled: u64,
}

impl Chat {
    /// Rooms, and a user for each client, who joins one of them, in turn. All have the name in theirs.
    ///
    /// # Errors
    /// The application did not do what it was asked for.
    pub fn begin(address: SocketAddr, name: &str, clients: usize, rooms: usize) -> Result<Vec<Chat>, Fault> {
        let mut connection = Connection::new(address, Duration::from_secs(30));
        let mut ask = |request: Request, status| connection.ask(&request)?.expect(status);
        let rooms: Vec<String> = (0..rooms).map(|number| format!("room-{name}-{number}")).collect();
        for room in &rooms {
            ask(Request::new("room", "PUT", format!("/room/{room}")), 201)?;
        }
        let mut chats = Vec::new();
        for (number, room) in rooms.iter().cycle().take(clients).enumerate() {
            let user = format!("user-{name}-{number}");
            let form = Request {
                content_type: "application/x-www-form-urlencoded",
                body: format!("firstName=First&lastName={user}"),
                ..Request::new("user", "PUT", format!("/user/{user}"))
            };
            ask(form, 201)?;
            ask(Request::new("join", "PUT", format!("/room/{room}/{user}")), 201)?;
            chats.push(Chat {
                room: room.clone(),
                user,
                step: 0,
                posted: 0,
                unsure: BTreeSet::new(),
                received: BTreeMap::new(),
            });
        }
        Ok(chats)
    }

    /// Fetches for each client what still waits for it, and compares all books.
    ///
    /// # Errors
    /// The application did not do what it was asked for.
    pub fn end(address: SocketAddr, clients: &mut [Chat]) -> Result<Audit, Fault> {
        let mut connection = Connection::new(address, Duration::from_secs(30));
        for client in clients.iter_mut() {
            client.take_fetched(&connection.ask(&client.fetch())?.expect(200)?)?;
        }
        let mut audit = Audit::default();
        for sender in clients.iter() {
            let sure = || (0..sender.posted).filter(|number| !sender.unsure.contains(number));
            audit.posted += sure().count() as u64;
            for member in clients.iter().filter(|member| member.room == sender.room) {
                let nothing = Received::default();
                let received = member.received.get(&sender.user).unwrap_or(&nothing);
                audit.expected += sure().count() as u64;
                audit.lost += sure().filter(|&number| !received.has(number)).count() as u64;
                audit.doubled += received.doubled;
            }
        }
        Ok(audit)
    }

    fn fetch(&self) -> Request {
        Request::new("fetch", "POST", format!("/user/{}/pendingMessages", self.user))
    }

    fn post(&self) -> Request {
        let mut post = Request::new("post", "POST", format!("/room/{}/{}", self.room, self.user));
        post.body = self.text(self.posted);
        post
    }

    fn take_fetched(&mut self, answer: &Answer) -> Result<(), Fault> {
        for message in answer.json::<Vec<Message>>()? {
            let wrong = |what: &str| {
                Fault::Content(format!("a message to {} that {what}: {:?}", self.user, message.text))
            };
            if message.room != self.room {
                return Err(wrong("is from another room"));
            }
            let Some(sender) = message.from else { continue };
            let number = message.text.split_once(" of ").filter(|(_, name)| *name == sender);
            let number = number.and_then(|(number, _)| number.parse().ok());
            let number = number.ok_or_else(|| wrong("nobody posted"))?;
            self.received.entry(sender).or_default().note(number);
        }
        Ok(())
    }

    /// The post that was answered is the one before the next.
    fn look_at_posted(&self, answer: &Answer) -> Result<(), Fault> {
        let Message { from, room, text } = answer.json()?;
        let number = self.posted - 1;
        let is_right = from.as_ref() == Some(&self.user) && room == self.room && text == self.text(number);
        if is_right {
            Ok(())
        } else {
            Err(Fault::Content(format!("not what was posted: {}", answer.start())))
        }
    }

    fn text(&self, number: u64) -> String {
        format!("{number} of {}", self.user)
    }

    fn look_at_user(&self, answer: &Answer) -> Result<(), Fault> {
        let user: User = answer.json()?;
        // More than all that anybody could have posted would be wrong as well, but nobody knows that here.
        let is_right = user.username == self.user
            && user.full_name == format!("First {}", self.user)
            && user.pending_messages < u64::MAX;
        if is_right { Ok(()) } else { Err(Fault::Content(format!("another user: {}", answer.start()))) }
    }
}

impl Script for Chat {
    fn next(&mut self) -> Request {
        match self.step % (POSTS + 2) {
            0 => Request::new("look", "GET", format!("/user/{}", self.user)),
            step if step <= POSTS => self.post(),
            _ => self.fetch(),
        }
    }

    fn judge(&mut self, answer: Result<Answer, Fault>) -> Result<(), Fault> {
        let step = self.step % (POSTS + 2);
        self.step += 1;
        let is_post = (1..=POSTS).contains(&step);
        let answer = answer.and_then(|answer| answer.expect(if is_post { 201 } else { 200 }));
        if is_post {
            if answer.is_err() {
                self.unsure.insert(self.posted);
            }
            self.posted += 1;
        }
        let answer = answer?;
        match step {
            0 => self.look_at_user(&answer),
            _ if is_post => self.look_at_posted(&answer),
            _ => self.take_fetched(&answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(numbers: &[u64]) -> Received {
        let mut received = Received::default();
        numbers.iter().for_each(|&number| received.note(number));
        received
    }

    #[test]
    fn books_know_what_is_missing_late_or_there_twice() {
        assert_eq!(noted(&[0, 1, 2]), Received { next: 3, missing: BTreeSet::new(), doubled: 0 });
        assert_eq!(noted(&[0, 3]).missing, BTreeSet::from([1, 2]));
        assert_eq!(noted(&[0, 3, 1, 2]).missing, BTreeSet::new());
        assert_eq!(noted(&[0, 1, 1, 0]).doubled, 2);
        assert!(noted(&[0, 2]).has(2) && !noted(&[0, 2]).has(1) && !noted(&[0, 2]).has(3));
    }
}
