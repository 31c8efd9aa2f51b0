// What `luxchat help` prints: enough for somebody who sees the program for the first time.

/** The text, at most 120 characters a line; first steps as they must be typed where the program is called so. */
export function helpText(program: string): string {
  return `luxchat: end-to-end encrypted chats in a terminal

First steps (the server of npm start, with its stand-in for LuxID):
  ${program} login --user alice --password moien-moien   the code "by SMS": see the server's console
  ${program} start @…                                    the other's Luxchat-ID, as whoami prints it there
  ${program} invitations, then accept 1                  what the other person does
  ${program} chat @…                                     talk; /help inside, /quit or Ctrl-C ends
  ${program} secure --user alice --password moien-moien  messages that outlive a lost device
Two passwords: --password is that of LuxID; the one that secure makes is yours alone, typed, and never an argument.
This program speaks English; bots, and the words of that password, speak the language of your system.
With two people on one computer each has a profile: ${program} -p alice …

This device
  login [--server URL] [--device NAME]     log in with a browser: prints the address to open
        --user NAME [--password P] [--code C]   the same in the terminal, with the stand-in only
  whoami                                   Luxchat-ID, device, is it confirmed?
  id                                       Luxchat-ID in groups to read aloud, contact link to hand on, QR code to scan
  identity [ID]                            own or another's identity in digits, for both to compare; was it compared?
  approve ID [NUMBER]                      both compared that NUMBER: note it, and let in who started over
  name [TEXT] [--picture FILE] [--none]    how those you talk with see you; a small JPEG or WebP; nothing again
  findable [yes NAME|no]                   shall others find you by a name? Nobody does before you say yes
  devices                                  own devices: number, id, name
  verify [--qr] [DEVICE-ID]                compare seven emoji, or scan a code, with another own device; run it on both
  secure [--own] [--language L]            keep messages for the day a device is lost: makes your password
  unlock                                   open a new device with that password; older messages come back
  password change, password lost           another password
  secure --start-over [--yes]              neither password nor device left: begin anew; it says first what is lost
  keys export FILE, keys import FILE       what reads this device's messages, in a file under a passphrase
  devices rename NUMBER NAME …             call a device otherwise; your provider sees that name
  devices remove NUMBER                    log another own device out that nobody has
  devices lost NUMBER …                    the same where someone may have it: what it knew opens nothing new
  account deactivate [--yes]               switch the account off; whoever logs in with your LuxID switches it on again
  account export FILE                      everything of yours in a zip: what the server keeps, and what was said
  account erase [FILE] [--yes]             erase it for good; the receipt goes into FILE, too
  receipts [on|off]                        do others see how far you have read?
  log-out [--yes]                          end this device and remove what it kept here
  status                                   alarms since this device began, what is in doubt, how messages are kept

Rooms
  rooms                                    all rooms, with unread counts
  search TEXT …                            people and bots by the beginning of a name, or by Luxchat-ID
  start ID|LINK                            open the 1:1 room with someone, or with a bot: @info:… is your provider's
  group --name NAME [ID …]                 make a group and invite people
  invitations                              what waits for an answer, numbered: accept NUMBER, or decline NUMBER
  invite ROOM ID, remove ROOM ID           who is in a group
  ban ROOM ID, unban ROOM ID               take somebody out for good; let them be invited again
  role ROOM ID ROLE                        make somebody member, moderator, admin or owner
  rename ROOM NAME …                       call a group otherwise
  topic ROOM [TEXT …|--none]               what a group is about
  members ROOM                             with role and status
  leave ROOM
  block ID, unblock ID                     hear nothing of someone any more; they are not told
  blocked                                  whom you block
  go-on ROOM                               write on in a frozen room, once its alarm was looked into

Messages
  chat ROOM                                talk
  send ROOM [TEXT …]                       one message; without TEXT each line of stdin is one
  history ROOM [--limit N]                 the newest lines (50), each with its NUMBER in front
  tail [ROOM]                              follow what comes, until Ctrl-C
  reply ROOM NUMBER TEXT …                 answer to a message
  edit ROOM NUMBER TEXT …                  change an own message
  react ROOM NUMBER EMOJI
  delete ROOM NUMBER                       for everyone
  retry ROOM [N], discard ROOM [N]         send again what failed, or let go of it: all, or the Nth oldest
  pin ROOM NUMBER, unpin ROOM NUMBER       keep a message in sight of everybody there
  pins ROOM                                what is pinned
  read ROOM                                mark as read
  report ROOM NUMBER [REASON …]            show one message to the people of your provider, and nothing else

ROOM is a room id, or a unique part of its id or of its name; a Luxchat-ID, or a part of it, is the 1:1 chat with them.
A Luxchat-ID never names a group. Where there is no 1:1 chat with them, start makes one.
NUMBER is what stands behind the # of a line (a shell takes a bare # for a comment: leave it out), or a message's id.

Options of every command
  -p, --profile NAME       which device: one folder each below ~/.luxchat, or below LUXCHAT_HOME (default)
  --folder DIR             the same, the folder itself
  --json                   one JSON object a line on stdout, errors as JSON on stderr; times are epoch milliseconds,
                           days those since 1970-01-01, in UTC
  --language fr            what bots that you start are told: lb, fr, de, en or pt (that of the system, else en)
  --timeout SECONDS        how long to wait for the server (30; 3 where nothing listens)

Times are shown in the system's time zone, or in that of TZ.
Exit codes: 0 done, 1 failed (with --json the code is on stderr), 2 wrong arguments.`;
}
