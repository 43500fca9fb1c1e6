# The texts of the pages. One message a line; what stands in braces is filled in.
# `service-…` messages are the image's own in English; other languages may have them here.

language-name = English

## Around every page

frame-skip = Skip to the content
frame-brand = { $node }, home
frame-rooms = Pages
frame-language = Language
room-home = Home
room-services = Services
room-people = People
room-network = Network
room-logs = Logs
room-settings = Settings
room-account = Your account
said-work = { $task }: { $step }
yes = Yes
no = No
copy = Copy
copy-what = Copy: { $what }
copy-done = Copied
qr-show = Open on a phone
qr-text = Point your phone’s camera at this picture. The phone has to be in the same network.
runs-out = runs out
ran-out = has run out

## Amounts

decimal-mark = .
size-bytes = { $n } { $n ->
    [one] byte
   *[other] bytes
}
time-seconds = { $n } { $n ->
    [one] second
   *[other] seconds
}
time-minutes = { $n } { $n ->
    [one] minute
   *[other] minutes
}
time-hours = { $n } { $n ->
    [one] hour
   *[other] hours
}
time-days = { $n } { $n ->
    [one] day
   *[other] days
}
time-and = { $one } and { $other }
time-now = just now
time-ago = { $time } ago
time-in = in { $time }
time-moment = { $day } { $month } { $year }, { $clock } UTC
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = June
month-7 = July
month-8 = Aug
month-9 = Sept
month-10 = Oct
month-11 = Nov
month-12 = Dec

## How the node is

headline-asking = Looking at the services
headline-blind = The node cannot see its services
headline-trouble = { $things ->
    [one] One thing needs attention
   *[other] { $things } things need attention
}
headline-moving = { $services ->
    [one] One service is on its way
   *[other] { $services } services are on their way
}
headline-empty = This node has no services
headline-ready = Everything is ready
headline-fine = Everything works
headline-guest = { $services ->
    [0] Nothing is on at the moment
    [one] One service is ready for you
   *[other] { $services } services are ready for you
}
detail-blind = systemd has not answered for { $time }. The node keeps asking.
detail-on = { $services ->
    [one] One service is on.
   *[other] { $services } services are on.
}
detail-ready = { $services ->
    [one] One service can be switched on.
   *[other] { $services } services can be switched on.
}
detail-off = { $services ->
    [one] One more can be switched on.
   *[other] { $services } more can be switched on.
}
effect-https-off = Pages come without encryption, so nobody can sign in
effect-no-identity = The node has no key, so other nodes cannot know it
effect-no-claim = There is no claim code
effect-image-unknown = The node does not know which image it was made from
effect-services-unknown = The list of services cannot be read
effect-service-hidden = The service { $service } cannot be read
effect-people-lost = The list of people was damaged, and the node was claimed anew
effect-operations-lost = The list of what was done was damaged, and began anew
effect-community-lost = What this node remembers of its community was damaged: its invitations are void, and nothing is offered. What was left lies beside.
effect-invitation-unfit = The invitation that was set before boot cannot be used: it is damaged or too old. Ask for a new one.
effect-preferences-lost = What the node remembers about itself was damaged
effect-firewall-stuck = The firewall could not be set, so the open ports are what they were before
effect-helper-away = The helper does not answer, so services cannot be switched
disk-system = System disk
disk-data = Data disk
disk-tight = { $disk }: little room is left
disk-full = { $disk }: full
disk-left = { $free } of { $total } free.

## Services

kind-mesh = Mesh
kind-discovery = Discovery
kind-storage = Storage
kind-sharing = Sharing
kind-streaming = Streaming
kind-voice = Voice
kind-web = Web
kind-access = Access
state-running = On
state-starting = Starting
state-restarting = Starting again
state-stopping = Stopping
state-off = Off
state-stopped = Stopped
state-failed = Failed
state-missing = Not installed
state-unknown = Not known
why-stopped = It should be on and is not.
why-no-unit = It is not installed on this node.
why-masked = It was blocked: systemd was told never to start it.
why-bad-unit-file = systemd cannot read how to start it.
why-part = One of its parts, { $unit }, is not well.
why-part-because = One of its parts, { $unit }, is not well: { $why }
end-exit-code = Its program ended with code { $code }.
end-signal = Its program was ended by { $signal }.
end-timeout = It took too long.
end-watchdog = It stopped responding.
end-memory = It was ended because memory ran out.
end-too-often = It failed too often in a short time.
end-resources = The node lacked what it needs to start it.
end-unknown = It ended, and nobody knows why.
end-other = It ended: { $result }.
end-restarts = It was started again { $times ->
    [one] once
   *[other] { $times } times
}.
usage-at-least = more than { $size }
scope-loopback = this node only
scope-lan = home network
scope-mesh = mesh
scope-internet = internet

## What is being done

task-switch-on = Switch on { $service }
task-switch-off = Switch off { $service }
task-restart = Restart { $service }
task-configure = Change the settings of { $service }
task-rename = Rename the node from { $from } to { $to }
task-reboot = Restart the node
task-power-off = Switch off the node
step-waiting = Waiting for its turn
step-checking = Checking
step-writing = Writing the settings
step-enabling = Keeping it for the next start
step-starting = Starting
step-stopping = Stopping
step-firewall = Setting the firewall
step-undoing = Putting it back as it was
standing-done = done
standing-now = now
standing-to-come = to come
standing-failed = did not work
standing-left-out = left out
progress-done = Done
progress-failed = Did not work
trouble-port-taken = Port { $port } ({ $protocol }) is taken by another program.
trouble-port-taken-by = Port { $port } ({ $protocol }) is taken by { $by }.
trouble-job-failed = { $unit } could not start or stop.
trouble-job-timeout = { $unit } took too long.
trouble-job-dependency = { $unit } needs something that did not start.
trouble-disk-full = The disk is full.
trouble-systemd-away = systemd does not answer.
trouble-helper-away = The part of the node that makes changes does not answer: { $detail }
trouble-interrupted = The node was cut off in the middle.
trouble-other = { $detail }
remedy-port-taken = Switch off what uses the port, then try again.
remedy-job-failed = Its log says why. Then try again.
remedy-disk-full = Delete what you no longer need from the services that keep the most, then try again.
remedy-systemd-away = Wait a minute and try again. If that does not help, restart the node.
remedy-helper-away = Wait a minute and try again. If that does not help, restart the node.
remedy-interrupted = Look whether it is as you want it, and do it again if not.
remedy-other = Try again. If it stays so, the support report helps others to help you.

## Refusals

refusal-sign-in-first = Sign in first.
refusal-not-allowed = Your role does not allow this. An owner of the node can do it, or give you another role.
refusal-wait = Too many wrong tries. Wait { $time }, then try again.
refusal-claimed = This node has an owner already. Sign in, or ask the owner for an invitation.
refusal-no-ticket = The claim code is missing, or it was given too long ago. Give it again.
refusal-no-such = This does not exist, or not any more. Links can be used once and run out after seven days.
refusal-fields = Some of it does not fit yet. Look at the marked fields.
refusal-busy = The node is still busy with this. Wait until it is done.
refusal-full = There are as many as there may be. Remove one that is no longer needed.
refusal-already = It is so already.
refusal-not-saved = It could not be saved, so nothing has changed: { $detail }
refusal-no-community = This node is in no community. Found one, or join one by an invitation.
refusal-invitation-scheme = An invitation begins with “nuvol:”. Copy all of it.
refusal-invitation-damaged = A part of the invitation is missing, or a letter is wrong. Copy all of it once more.
refusal-invitation-later = This invitation is of a later version of Nuvol. Update this node first.
refusal-invitation-expired = This invitation has run out. Ask for a new one.
refusal-not-offered = Others have no use for this service, so it cannot be offered to them.
unfit-name-taken = Somebody here has this name already. Choose another one.
unfit-last-owner = The node must have an owner. Make somebody else an owner first.
unfitting-empty = This must not be empty.
unfitting-too-long = Too long: at most { $limit } characters.
unfitting-too-short = Too short: at least { $least } characters.
unfitting-hidden = It has characters that cannot be seen. Type it anew.
unfitting-guessable = Too easy to guess. Several words in a row are easy to remember and hard to guess.
unfitting-different = The two passwords are not the same.
wrong-code = This is not the claim code. Compare it with the node’s screen, letter by letter.
wrong-password = Name or password is wrong.
wrong-old-password = This is not your present password.
wrong-place = “{ $place }” is no place that can be called. Write a name or an address, a colon and a port: home.example.org:655
wrong-type = A type begins with _ and ends in ._tcp or ._udp: _http._tcp is a web page.
wrong-host = This is neither an address nor a name. Write it without http:// and without the port: 10.1.2.3 or photos.example.org
wrong-port = A port is a number from 1 to 65535.
wrong-txt = What programs are told of it does not fit: { $why }
wrong-offered = The same type is offered at this address and port already. To change its title, stop offering it first.
wrong-record = Record { $record }, field “{ $field }”
wrong-records = This is no list of records: it cannot be read from line { $line }, column { $column } on. A list begins with [ and ends with ].
wrong-records-more = { $more } more do not fit.
wrong-file-missing = Choose a file, or paste the records.
wrong-file-both = There are both a file and pasted records. Empty the field, or send it without the file.
wrong-file-no-text = This file is no text. Records of Cloudy are text, in JSON.
wrong-file-too-large = This is too large: at most { $size }. Leave records out, or shorten their field “t”.
wrong-too-many = There may be { $limit } at most.
wrong-nothing-chosen = Choose one.
field-unknown = There is no such setting.
field-node-name = A name has lower-case letters, digits and hyphens.
field-not-a-number = This is not a whole number.
field-too-small = At least { $min }.
field-too-large = At most { $max }.

## Signing in, claiming, joining

sign-in-title = Sign in to { $node }
sign-in-button = Sign in
sign-in-forgotten = Password forgotten? Any owner of the node can make you a link to set a new one.
field-name = Name
field-password = Password
field-new-password = New password
field-old-password = Present password
field-again = The same password again
field-password-hint = At least { $least } characters. Several words in a row are good.
field-your-name = Your name
field-your-name-hint = As the others here know you. You sign in with it.
field-code = Claim code
field-code-hint = Capitals and hyphens do not matter.
claim-step-1 = Step 1 of 2
claim-step-2 = Step 2 of 2
claim-title = Make this node yours
claim-text = Nobody owns this node yet. Whoever has its claim code becomes its owner.
claim-where = The code is on the node’s screen. If you set one before the first start, use that.
claim-lost-title = Claim this node again
claim-lost-text = The list of people on this node was damaged. The services and their files are still there, but nobody can sign in. Whoever has the new claim code becomes the owner.
claim-next = Next
claim-owner-title = Who are you?
claim-owner-text = The code was right. Choose a name and a password: you will be the owner of this node.
claim-button = Become the owner
join-title = You are invited to { $node }
join-text = You will be { $role ->
    [owner] an
   *[other] a
} { $role }. { $means }
join-button = Join
join-password-title = A new password for { $name }
join-password-text = Choose a new password. Wherever you are signed in now, you will be signed out, and your keys for programs stop working.
join-password-button = Set the password
claim-warning = Your browser will warn you once: the node made its certificate itself, because no authority knows nodes at home. Compare the fingerprint below, then let the browser go on.
fingerprint-title = Fingerprint of the certificate
fingerprint-summary = Is this really your node?
fingerprint-text = The node’s screen shows the same fingerprint (SHA-256). If your browser shows it too, nobody stands in between.

## Home

home-attention = Needs attention
home-work = Being done
home-services = Ready to use
home-empty = Nothing is on yet. What the owner switches on appears here.
home-empty-owner = Nothing is on yet. Switch on your first service, and its address appears here.
home-empty-link = Choose a service

## Pages of services

services-lead = What this node can do. What you switch on stays on after a restart.
services-empty = This image has no services. Images that have some name them in their profile.
service-state = State
service-last = Last
service-restart = Restart
service-addresses = Where to find it
service-settings = Settings
service-settings-save = Save
service-settings-note = If the service is on, it restarts with the new settings.
service-details = Details
service-kind = Kind
service-keeps = On the disk
service-memory = In memory
service-shown = Drawn by the service
service-shown-open = Show them
service-shown-note = The service drew these for itself at its first start. Only owners see them.
service-port = Port { $port }
service-log = Read its log
log-title = Log of { $service }
log-lead = { $lines ->
    [one] The last line, in UTC.
   *[other] The last { $lines } lines, in UTC. The newest is at the bottom.
}
log-empty = It has not written anything yet. Lines appear here once it runs.
log-again = Read again
level-error = Error
level-warning = Warning

## People

people-lead = Everybody with an account on this node.
people-here = Accounts
people-you = you
people-since = joined
people-manage = Manage
people-manage-who = Manage { $name }
people-role-save = Change the role
people-own = Your own password and sessions
people-reset = Make a link for a new password
people-invitations = Open invitations
people-invitations-empty = Nobody is invited at the moment. An invitation is a link that works once, for seven days.
people-invite = Invite somebody
people-invite-button = Make a link
role-guest = guest
role-member = member
role-owner = owner
role-guest-means = Sees which services are on, and uses them.
role-member-means = Also sees how the node is. Changes nothing.
role-owner-means = Runs the node: switches services, invites and removes people.
field-role = Role
field-note = For whom
field-note-hint = Only owners see this note. It tells invitations apart.
invitation-nameless = Without a note
invitation-role = role: { $role }
invitation-password = new password for { $name }
invitation-revoke = Withdraw
invitation-revoke-which = Withdraw the invitation: { $title }
fresh-link-title = The link is ready
fresh-link-text = It is shown only this once. Send it to the one it is for: it works once, for seven days.

## Account

account-sign-out = Sign out
account-sessions = Where you are signed in
account-here = this browser
account-end = Sign out there
account-end-which = Sign out there: { $browser }
session-nameless = Unknown browser
account-password = Change the password
account-password-changed = Your password is changed. You are signed out everywhere else.
account-password-button = Change the password
account-password-note = Everywhere else you will be signed out, and your keys for programs stop working: make new ones afterwards.
account-tokens = Keys for programs
account-tokens-empty = A key lets a program of yours use the node’s API in your name. You have none.
token-new = New key
token-button = Make the key
token-revoke = Withdraw
token-revoke-which = Withdraw the key: { $title }
token-no-end = does not run out
token-scope-read = see how the node is
token-scope-services = switch services and set them up
token-scope-people = invite and remove people
token-scope-node = rename, restart and switch off the node
field-token-title = What it is for
field-token-title-hint = For instance: backup script on the laptop.
field-scopes = What it may do
field-days = Good for
fresh-token-title = The key is ready
fresh-token-text = It is shown only this once. Put it where the program finds it.

## Network

network-pages = These pages
network-pages-text = Reach this node from your home network at:
network-ports = Open ports
network-ports-empty = No service is on, so no port of a service is open.
network-name = Name of the node
network-name-text = The new name holds for two minutes at first. Keep it from a page under the new name; if you do not, the old one comes back by itself.
network-name-button = Try the new name
network-key = The node’s key, by which other nodes know it:
field-node-name-label = Name
field-node-name-hint = Lower-case letters, digits and hyphens.
scope-lan-means = Everybody in your home network reaches these.
scope-mesh-means = The members of your mesh reach these.
scope-internet-means = Everybody can reach these if your router passes them on.
trial-label = Change on trial
trial-name = The node is now called { $to } instead of { $from }. Does it work?
trial-service = { $service } is off now. Can you still reach this page?
trial-left = It goes back by itself in { $time }.
trial-keep = Keep it
trial-back = Go back

## Logs and diagnosis

logs-title = Logs and diagnosis
logs-lead = What is wrong, what was done, and what the services write.
logs-problems = Problems of the node
logs-no-problems = There are none.
logs-room = Room on the disks
logs-used = Used: { $disk }
logs-kept = What the services keep
logs-history = Done lately
logs-history-empty = Nothing was done yet. Whenever somebody switches or changes something, it is noted here.
logs-services = Logs of the services
report-title = Support report
report-lead = A text about this node for whoever helps you. You see it before you share it.
report-open = Look at the report
report-text = Nothing leaves this node by itself. The report names no people; read it, then copy it.
operation-progress = Progress
operation-steps = Step by step
operation-leave = You can leave this page: the node goes on.
operation-service = Go to { $service }
operation-by = Asked for by
operation-since = Began
operation-took = Took

## Settings

settings-title = Settings and about
settings-node = This node
settings-image = Image
settings-agent = Agent
settings-uptime = On for
settings-rename = Rename
settings-power = Restart or switch off
settings-power-text = While the node is off, none of its services can be reached.
power-reboot = Restart
power-off = Switch off
settings-licences = Licences
settings-licences-text = Nuvol is free software under the MIT or the Apache 2.0 licence, at your choice. The pages use htmx (Zero-Clause BSD). The licence of every other program on this node lies here:

## Questions and dead ends

confirm-back = Leave it as it is
confirm-remove = Remove { $name }?
confirm-remove-text = { $name } will be signed out everywhere and cannot come back. Their keys and the invitations that they made stop working. What they keep in services stays.
confirm-remove-button = Remove { $name }
confirm-own-role = Give up being an owner?
confirm-own-role-text = You will no longer be able to change this node. Only another owner can make you an owner again.
confirm-own-role-button = Give it up
confirm-reboot = Restart { $node }?
confirm-reboot-text = The node is away for a minute or two. Services that are on come back by themselves.
confirm-off = Switch off { $node }?
confirm-off-text = Somebody has to press its button to switch it on again.
confirm-switch-off = Switch off { $service }?
confirm-switch-off-text = You may be using { $service } to reach this node. Make sure that you can reach it another way.
confirm-switch-off-trial = It comes back by itself after two minutes, unless you say that the node can still be reached.
confirm-switch-off-button = Switch off { $service }
not-found-title = There is no such page
not-found-text = Maybe the link is old, or something was left out when it was copied.
refused-title = That did not work
refused-not-yours = This page is not for you
refused-gone = This is gone
refused-wait = A short break
refused-claimed = This node has an owner
problem-home = Back to the start
problem-sign-in = Sign in

## The community

room-community = Community
community-lead = A community is made of homes that share services over a network of their own. Nobody else gets in, and it belongs to no company.
community-lead-in = What the homes of this community offer each other.
community-fresh = The invitation
community-fresh-text = Send it to whoever is invited, by a way that you trust. It is shown this one time. They paste it on the page “Community” of their own node.
community-search = Search
community-search-button = Search
community-type = Kind of service
community-type-all = All kinds
community-joining = Joining
community-stop-joining = Stop
community-expelled = This node was expelled. What you see is what it last knew.
community-offers = Services
community-offers-empty = Nothing is offered yet. Each service of a node has a choice of who sees it.
community-offers-none = Nothing here has these words.
community-members = Homes
community-this-node = this node
community-waiting = They want to join
community-admit = Let in
community-admit-who = Let in: { $name }
community-decline = Turn away
community-decline-who = Turn away: { $name }
community-join = Join a community
community-join-text = Somebody who is in one makes an invitation for you. Paste it here.
community-join-button = Join
community-found = Found a community
community-found-text = This node will be its first home, and you invite the others.
community-found-button = Found
community-invite = Invite another home
community-invite-role = What it may do
community-invite-approve = Ask me before each is let in
community-invite-button = Make an invitation
community-invitation-uses = { $used } in, { $left } left
community-places = Reached from outside
community-places-button = Save
community-leave = Leave the community
community-leave-text = The others stop seeing this node and its services. Those whom it invited stay. To come back, this node needs a new invitation.
community-leave-button = Leave
community-fingerprint = Fingerprint
community-address = Address
community-inviter = Invited by
community-since = In since
community-expel = Expel
community-expel-text = It loses its way to all others at once and for good: no invitation brings this node back.
community-expel-invited = Expel those whom it invited too
community-expel-button = Expel { $name }
confirm-expel = Expel { $name }?
confirm-expel-text = { $name } loses its way to all others at once, and cannot come back.
confirm-leave = Leave { $community }?
field-invitation = Invitation
field-community-name = Name of the community
field-uses = For how many homes
field-invitation-days = For how many days
field-places = Name or address and port
field-places-hint = If your router passes port 655 on to this node, others can call it. Example: home.example.org:655. Leave it empty if not: the others’ nodes help.
joining-calling = The one who invited you is being called.
joining-unreachable = The one who invited you does not answer. It is tried again and again; their node must be on.
joining-waiting = They have heard of you. Somebody there has to say yes.
joining-unknown = They do not know this invitation, or took it back. Ask for a new one.
joining-used = This invitation was used up. Ask for a new one.
joining-expired = This invitation has run out. Ask for a new one.
joining-declined = They turned this node away.
joining-expelled = This node was expelled from that community.
joining-powerless = Whoever invited you may not let anybody in any more. Ask somebody else there.
member-role-guest = Guest
member-role-guest-means = Uses and offers services.
member-role-member = Member
member-role-member-means = Invites others, too.
member-role-steward = Steward
member-role-steward-means = Expels others, too.
member-up = answers
member-up-in = answers in { $ms } ms
member-unheard = not heard of yet
member-down = out of reach since { $when }
path-direct = reached directly
path-relayed = reached through others
path-relayed-by = reached through { $name }
path-none = no way there
path-cannot-connect = no way there: it cannot be called
path-no-answer = no way there: it does not answer
path-not-believed = no way there: somebody else is at its address
path-hung-up = no way there: it hangs up
type-web = Web page
type-radio = Radio
type-ssh = Remote login
audience-title = Who sees it
audience-legend = This service is shown to
audience-me = Only people of this node
audience-me-means = Nobody else hears of it.
audience-household = The home network
audience-household-means = Devices at home find it by themselves.
audience-community = The community
audience-community-means = All homes of the community find and use it, and the home network.
audience-no-community = This node is in no community yet.
audience-save = Save
community-near = On the home network
community-mesh-text = Addresses in brackets are on the mesh: nodes reach them; phones and laptops at home do while “Home access” is on.
community-near-text = What devices and programs at home say of themselves. Nobody vouches for it.
community-unverified = unverified
community-near-silent = does not answer

## Services of other machines

machines-title = Services of other machines
machines-lead = What is no node can be offered too: a disk, a camera, a node of an older community cloud. This node vouches for it.
machines-link = A disk, a camera: offer what is no node
machines-offered = Offered
machines-empty = Nothing of another machine is offered.
machines-withdraw = No longer offer
machines-withdraw-which = No longer offer: { $which }
machines-add = Offer a service
machines-add-button = Offer
machines-import = Import records of Cloudy
machines-import-text = What they name is offered in place of everything in the list above, and this node vouches for it. An empty list, [], offers nothing any more.
machines-import-button = Replace the list
machines-export = Export
machines-export-text = All that members of the community offer, in the fields of Cloudy’s records.
machines-export-button = Download
field-machine-title = Title
field-machine-title-hint = By which the others know it, such as: Photos of Can Xirgu.
field-machine-type = Type
field-machine-type-hint = By which programs know it: choose one, or type another in this form.
field-machine-host = Name or address
field-machine-host-hint = By which the others reach it. An address such as 192.168.1.20 works at your home alone.
field-machine-port = Port
field-records = Or paste the records here
field-records-file = File
offer-of = { $title } of { $owner }
service-on-mesh = On the mesh
service-on-mesh-text = So the other homes of the community reach it: their nodes do, and while “Home access” is on there, their phones and laptops.
service-on-mesh-which = { $title } on the mesh
type-folder = Shared folder
type-printer = Printer
type-camera = Camera
