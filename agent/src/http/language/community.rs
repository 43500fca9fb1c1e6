//! Words for the community.

use nuvol_community::join::Why;
use nuvol_community::object::Role;

use super::Language;

/// Types that machines often have, as a form proposes them.
pub(in crate::http) const TYPES: [&str; 10] = [
    "_http._tcp",
    "_https._tcp",
    "_smb._tcp",
    "_ipp._tcp",
    "_rtsp._tcp",
    "_ssh._tcp",
    "_icecast._tcp",
    "_mumble._tcp",
    "_syncthing._tcp",
    "_tahoe-lafs._tcp",
];

impl Language {
    /// What a member is.
    pub fn member_role(self, role: Role) -> String {
        self.say(match role {
            Role::Guest => "member-role-guest",
            Role::Member => "member-role-member",
            Role::Steward => "member-role-steward",
        })
    }

    /// What it may do.
    pub fn member_role_means(self, role: Role) -> String {
        self.say(match role {
            Role::Guest => "member-role-guest-means",
            Role::Member => "member-role-member-means",
            Role::Steward => "member-role-steward-means",
        })
    }

    /// Why a node was not let in.
    pub fn refused_joining(self, why: Why) -> String {
        self.say(match why {
            Why::Unknown => "joining-unknown",
            Why::Used => "joining-used",
            Why::Expired => "joining-expired",
            Why::Declined => "joining-declined",
            Why::Expelled => "joining-expelled",
            Why::Powerless => "joining-powerless",
        })
    }

    /// What a service speaks, for people; its own word where there is no other.
    pub fn service_type(self, kind: &str) -> String {
        match kind {
            "_http._tcp" | "_https._tcp" => self.say("type-web"),
            "_icecast._tcp" => self.say("type-radio"),
            "_ssh._tcp" => self.say("type-ssh"),
            "_smb._tcp" => self.say("type-folder"),
            "_ipp._tcp" => self.say("type-printer"),
            "_rtsp._tcp" => self.say("type-camera"),
            "_syncthing._tcp" => "Syncthing".to_owned(),
            "_tahoe-lafs._tcp" => "Tahoe-LAFS".to_owned(),
            "_mumble._tcp" => "Mumble".to_owned(),
            other => other.to_owned(),
        }
    }
}
