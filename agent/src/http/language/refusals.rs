//! Why something was refused, in words: what is wrong and the way out.

use nuvol_community::invitation::NoInvitation;

use super::Language;
use crate::http::context::{Wrong, WrongFile, WrongRecord};
use crate::node::command::{Field, Refusal};
use crate::node::community::Misfit;
use crate::node::people::Unfit;
use crate::node::people::names::Unfitting;
use crate::node::setting;

/// So many lines are told of records that do not fit.
const RECORDS_TOLD: usize = 20;

impl Language {
    /// Why the one who asked gets nothing.
    pub fn refusal(self, refusal: &Refusal) -> String {
        match refusal {
            Refusal::SignInFirst => self.say("refusal-sign-in-first"),
            Refusal::NotAllowed => self.say("refusal-not-allowed"),
            Refusal::Wait { seconds } => self.with("refusal-wait", "time", self.duration(*seconds)),
            Refusal::Claimed => self.say("refusal-claimed"),
            Refusal::NoTicket => self.say("refusal-no-ticket"),
            Refusal::NoSuch => self.say("refusal-no-such"),
            Refusal::Unfit(unfit) => self.say(match unfit {
                Unfit::NameTaken => "unfit-name-taken",
                Unfit::Full => "refusal-full",
                Unfit::Gone => "refusal-no-such",
                Unfit::LastOwner => "unfit-last-owner",
            }),
            Refusal::Fields(_) => self.say("refusal-fields"),
            Refusal::Busy(_) => self.say("refusal-busy"),
            Refusal::Full => self.say("refusal-full"),
            Refusal::Already => self.say("refusal-already"),
            Refusal::NoCommunity => self.say("refusal-no-community"),
            Refusal::Invitation(no) => self.say(match no {
                NoInvitation::Scheme => "refusal-invitation-scheme",
                NoInvitation::Damaged => "refusal-invitation-damaged",
                NoInvitation::Later => "refusal-invitation-later",
            }),
            Refusal::Expired => self.say("refusal-invitation-expired"),
            Refusal::NotOffered => self.say("refusal-not-offered"),
            Refusal::NotSaved(detail) => self.with("refusal-not-saved", "detail", detail),
            Refusal::Trouble(trouble) => {
                format!("{} {}", self.trouble(trouble), self.remedy(trouble))
            }
        }
    }

    /// What is wrong with a field.
    pub fn wrong(self, wrong: &Wrong) -> String {
        match wrong {
            Wrong::Unfitting(unfitting) => self.unfitting(*unfitting),
            Wrong::NameTaken => self.say("unfit-name-taken"),
            Wrong::Code => self.say("wrong-code"),
            Wrong::Password => self.say("wrong-password"),
            Wrong::Field(field) => self.field(field),
            Wrong::NothingChosen => self.say("wrong-nothing-chosen"),
            Wrong::OldPassword => self.say("wrong-old-password"),
            Wrong::LastOwner => self.say("unfit-last-owner"),
            Wrong::Refused(refusal) => self.refusal(refusal),
            Wrong::Place(place) => self.with("wrong-place", "place", place),
            Wrong::Misfit(misfit) => self.misfit(misfit),
            Wrong::Offered => self.say("wrong-offered"),
            Wrong::Records(wrong) => self.records(wrong),
            Wrong::File(wrong) => match wrong {
                WrongFile::Missing => self.say("wrong-file-missing"),
                WrongFile::Both => self.say("wrong-file-both"),
                WrongFile::NoText => self.say("wrong-file-no-text"),
                WrongFile::TooLarge { limit } => {
                    self.with("wrong-file-too-large", "size", self.bytes(*limit))
                }
            },
            Wrong::TooMany { limit } => self.with("wrong-too-many", "limit", *limit),
        }
    }

    fn misfit(self, misfit: &Misfit) -> String {
        match misfit {
            Misfit::Type => self.say("wrong-type"),
            Misfit::Line(unfit) => self.unfitting((*unfit).into()),
            Misfit::Host => self.say("wrong-host"),
            Misfit::Port => self.say("wrong-port"),
            Misfit::Txt(why) => self.with("wrong-txt", "why", why.to_string()),
        }
    }

    /// A line for each, as far as anybody reads on.
    fn records(self, wrong: &[WrongRecord]) -> String {
        let line = |it: &WrongRecord| match it {
            WrongRecord::NoArray { line, column } => {
                self.both("wrong-records", ("line", line), ("column", column))
            }
            WrongRecord::Field { record, field, why } => {
                let place = self.both("wrong-record", ("record", record), ("field", field));
                format!("{place}: {}", self.wrong(why))
            }
        };
        let more = wrong.len().saturating_sub(RECORDS_TOLD);
        let more = (more > 0).then(|| self.with("wrong-records-more", "more", more));
        wrong.iter().take(RECORDS_TOLD).map(line).chain(more).collect::<Vec<_>>().join("\n")
    }

    fn unfitting(self, unfitting: Unfitting) -> String {
        match unfitting {
            Unfitting::Empty => self.say("unfitting-empty"),
            Unfitting::TooLong { limit } => self.with("unfitting-too-long", "limit", limit),
            Unfitting::TooShort { least } => self.with("unfitting-too-short", "least", least),
            Unfitting::Hidden => self.say("unfitting-hidden"),
            Unfitting::Guessable => self.say("unfitting-guessable"),
            Unfitting::Different => self.say("unfitting-different"),
        }
    }

    /// What is wrong with a value that the node refuses.
    pub fn field(self, field: &Field) -> String {
        match field {
            Field::Unknown => self.say("field-unknown"),
            Field::NodeName => self.say("field-node-name"),
            Field::Setting(wrong) => match wrong {
                setting::Wrong::TooLong { limit } => self.with("unfitting-too-long", "limit", *limit),
                setting::Wrong::NotANumber => self.say("field-not-a-number"),
                setting::Wrong::TooSmall { min } => self.with("field-too-small", "min", *min),
                setting::Wrong::TooLarge { max } => self.with("field-too-large", "max", *max),
                setting::Wrong::NotAChoice => self.say("wrong-nothing-chosen"),
                setting::Wrong::Empty => self.say("unfitting-empty"),
                setting::Wrong::Control => self.say("unfitting-hidden"),
            },
        }
    }
}
