#!/bin/sh
# Looks at a Nuvol node from inside and tells the host on the second serial port.
# It reports; the host judges (src/vm/judge.rs). One `key=value` a line, see src/vm/verdict.rs;
# lines that begin with `|` are for people.
exec >"/dev/$PORT" 2>&1
export LC_ALL=C.UTF-8 SYSTEMD_PAGER='' SYSTEMD_COLORS=0
: "${STEP_S:=180}"

say() { printf '%s\n' "$*"; }
tell() { sed 's/^/| /'; }
now_s() { cut -d. -f1 /proc/uptime; }

# Values of the block list $2 in the YAML file $1.
list_of() {
	awk -v key="$2:" '
		$0 ~ "^" key { on = 1; next }
		on && /^ *- / { sub(/^ *- */, ""); gsub(/["\047]/, ""); print; next }
		{ on = 0 }' "$1"
}

# Value of the key $2 in the YAML file $1.
value_of() { sed -n "s/^$2: *//p" "$1" | tr -d "\"'" | head -n 1; }

# What is wrong with the units right now, each line with the prefix $1.
sample() {
	say "step=the $1 look at all units"
	say "$1.state=$(systemctl is-system-running)"
	systemctl list-units --failed --all --plain --no-legend | awk -v at="$1" '{ print at ".failed=" $1 }'
	systemctl show -p Id -p SubState -p NRestarts '*.service' | awk -F= -v at="$1" '
		function flush() {
			if (sub_state ~ /^auto-restart/) print at ".restarting=" id
			if (restarts > 0) print at ".restarts=" id " " restarts
			id = ""; sub_state = ""; restarts = 0
		}
		$1 == "Id" { id = $2 }
		$1 == "SubState" { sub_state = $2 }
		$1 == "NRestarts" { restarts = $2 }
		/^$/ { flush() }
		END { flush() }'
}

# The state of unit $3 of service $2 in phase $1.
unit() {
	# shellcheck disable=SC2046 # three words
	set -- "$1" "$2" "$3" $(systemctl show -p LoadState -p ActiveState -p SubState "$3" |
		sed -n 's/^LoadState=//p; s/^ActiveState=//p; s/^SubState=//p')
	say "unit=$*"
	case $5 in failed) explain "$3" ;; esac
}

explain() {
	say "| --- $1"
	systemctl status --no-pager --full --lines=25 "$1" | tell
}

services() {
	for file in /usr/share/nuvol/services/*.yaml; do
		[ -e "$file" ] || continue
		[ -z "$1" ] || [ "$(value_of "$file" start)" = "$1" ] || continue
		for unit in $(list_of "$file" units); do
			say "$(value_of "$file" name) $unit"
		done
	done
}

# Does $2 to every unit of the services that start on demand, all at once, then reports them in phase $1.
on_demand() {
	say "step=$2 of every service on demand"
	units=$(services on-demand | cut -d' ' -f2)
	# shellcheck disable=SC2086 # one word a unit
	[ -z "$units" ] || timeout "$STEP_S" systemctl "$2" $units </dev/null 2>&1 | tell
	[ "$2" = stop ] || sleep 5
	services on-demand | while read -r name unit; do unit "$1" "$name" "$unit"; done
}

identity() {
	say "step=the identity of the node"
	limit=$(($(now_s) + 30))
	while [ ! -s /run/nuvol-agent/claim-code ] && [ "$(now_s)" -lt $limit ]; do sleep 1; done
	say "machine-id=$(cat /etc/machine-id)"
	say "hostname=$(cat /proc/sys/kernel/hostname)"
	say "claim-code=$(cat /run/nuvol-agent/claim-code)"
	say "node-key=$(sha256sum </var/lib/nuvol-agent/node.key | cut -d' ' -f1)"
	[ -x /usr/sbin/sshd ] || return
	say "sshd=yes"
	for key in /etc/ssh/ssh_host_*_key.pub; do
		[ -e "$key" ] && say "ssh-key=$(ssh-keygen -lf "$key" | cut -d' ' -f2,4)"
	done
}

# Whether each path that must outlive a new installation lies on the data partition.
kept() {
	data=$(stat -c %d /data)
	for path in /home $(for file in /usr/share/nuvol/services/*.yaml; do list_of "$file" data; done | sort -u); do
		answer=no
		[ -n "$data" ] && [ "$(stat -c %d "$path")" = "$data" ] && answer=yes
		say "kept=$path $answer"
	done
}

disk() {
	say "step=the disk"
	say "root-kib=$(df -k --output=size,used / | tail -n 1 | tr -s ' ' | sed 's/^ //')"
	case " $(cat /proc/cmdline) " in *" boot=nuvol "*) say "live=yes"; return ;; esac
	say "live=no"
	if mountpoint -q /data; then
		say "data=$(findmnt -no SOURCE,FSTYPE /data | tr -s ' ')"
		say "data-kib=$(df -k --output=size,used /data | tail -n 1 | tr -s ' ' | sed 's/^ //')"
	else
		for unit in systemd-repart.service data.mount; do explain "$unit"; done
	fi
	kept
	whole=$(lsblk -no PKNAME "$(findmnt -no SOURCE /)" | head -n 1)
	used=$(cat /sys/class/block/"$whole"/"$whole"*/size | awk '{ sum += $1 } END { print sum }')
	size=$(cat /sys/class/block/"$whole"/size)
	say "unused-kib=$(((size - used) / 2))"
	most=$(sed -n 's/^SizeMaxBytes=\([0-9]*\)$/\1/p' /usr/lib/repart.d/40-root.conf)
	say "root-partition-kib=$(($(lsblk -bno SIZE "$(findmnt -no SOURCE /)") / 1024)) \
$((size / 4 < most / 1024 ? size / 4 : most / 1024))"
}

figures() {
	say "step=figures"
	say "kernel=$(uname -r)"
	say "newest-kernel=$(linux-version list | linux-version sort --reverse | head -n 1)"
	say "boot-us=$(systemctl show -p FinishTimestampMonotonic --value)"
	say "memory-kib=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p; s/^MemAvailable: *\([0-9]*\).*/\1/p' /proc/meminfo | tr '\n' ' ')"
	agent=$(systemctl show -p MainPID --value nuvol-agent.service)
	say "agent-rss-kib=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$agent/status")"
	for var in /sys/firmware/efi/efivars/SecureBoot-*; do
		[ -e "$var" ] && say "secure-boot=$(od -An -t u1 "$var" | awk '{ print $NF }')"
	done
	say "lockdown=$(sed -n 's/.*\[\(.*\)\].*/\1/p' /sys/kernel/security/lockdown)"
}

say BEGIN
say "scope=${SCOPE:-whole}"
say "step=the system to have started"
state=$(timeout "$STEP_S" systemctl is-system-running --wait)
say "waited=${state:-$(systemctl is-system-running)}"
case $state in running) ;; *) systemctl list-jobs --no-pager | tell ;; esac

if [ -s "$CREDENTIALS_DIRECTORY/nuvol-script" ]; then
	say "step=the script"
	{ sh "$CREDENTIALS_DIRECTORY/nuvol-script" </dev/null 2>&1; echo $? >/run/nuvol-script-exit; } | tell
	say "script-exit=$(cat /run/nuvol-script-exit)"
fi

sample first
services | while read -r name unit; do
	file=/usr/share/nuvol/services/$name.yaml
	say "service=$name $(value_of "$file" start) $unit"
	unit boot "$name" "$unit"
done
figures
identity
disk
sleep 10
sample second
if [ "${SCOPE:-whole}" = whole ]; then
	on_demand started start
	sample loaded
	on_demand stopped stop
	sample last
fi
for unit in $(systemctl list-units --failed --all --plain --no-legend | cut -d' ' -f1); do explain "$unit"; done
say END
systemctl --no-block poweroff
