# What packaging/test-install holds, a function a rule or two. Sourced by it.

stand_in=http://127.0.0.1:8345
config=/etc/posagent/posagent.toml
store=/var/lib/posagent

# cases names them in their order: each starts where the one before has ended.
cases() {
    if [ "$arch" = armhf ]; then
        echo unconfigured first_sale killed upgraded_running stopped_by_hand
        return
    fi
    echo unconfigured first_sale wrong_config killed wedged upgraded_running upgraded_stopped \
        downgraded removed_open removed_settled
}

# build_packages makes the package three times: this one, a newer one of the same
# store, and one whose store is newer, from a copy of the source.
build_packages() {
    "$here/build" -o "$debs/now" -v 0.1.1 "$arch" >"$work/build.log" 2>&1 || broken_build
    "$here/build" -o "$debs/next" -v 0.1.2 "$arch" >>"$work/build.log" 2>&1 || broken_build
    [ "$arch" = amd64 ] || return 0
    mkdir "$work/newer"
    (cd "$root" && git ls-files -z | xargs -0 cp --parents -t "$work/newer")
    echo 'create table added_by_a_newer_one (id text primary key) strict;' \
        >"$work/newer/queue/schema/9999.sql"
    echo '# what only the newer one can do' >>"$work/newer/config/posagent.toml"
    SOURCE_DATE_EPOCH=$(date +%s) "$work/newer/packaging/build" -o "$debs/newer" -v 0.2.0 "$arch" \
        >>"$work/build.log" 2>&1 || broken_build
}
broken_build() { cat "$work/build.log"; broken "the packages could not be built"; }

deb() { cp "$debs/$1"/*.deb "$machine/srv/$1.deb"; }

# install_unbooted installs the package where no systemd runs, as an image is made.
install_unbooted() {
    for d in "$debs"/*; do deb "$(basename "$d")"; done
    chroot "$machine" dpkg -i /srv/now.deb >"$work/dpkg.log" 2>&1 || {
        cat "$work/dpkg.log"
        broken "the package does not install where no systemd runs"
    }
    [ -L "$machine/etc/systemd/system/multi-user.target.wants/posagent.service" ] ||
        broken "the unit is not enabled in an image"
    [ "$(chroot "$machine" stat -c '%U:%G %a' $store)" = "posagent:posagent 700" ] ||
        broken "$store is not the agent's alone"
    [ "$(chroot "$machine" stat -c '%U %a' $config)" = "root 644" ] || broken "$config is not root's"
    [ "$arch" = amd64 ] || emulated
    rule "installed into an image: user, folder, unit enabled"
}

# emulated takes out what qemu-arm can't do: mounting credentials. The keys are read
# where they lie.
emulated() {
    mkdir -p "$machine/etc/systemd/system/posagent.service.d"
    printf '[Service]\nLoadCredential=\n' >"$machine/etc/systemd/system/posagent.service.d/emulated.conf"
}

unconfigured() {
    stays_down "a box that nobody has configured" "base_url"
}

# stays_down wants the unit down with 78, no restart, and one clear line with $2.
stays_down() {
    until_true 60 unit_is ActiveState failed || broken "$1: the unit is $(unit ActiveState), not failed"
    [ "$(unit ExecMainStatus)" = 78 ] || broken "$1: ended with $(unit ExecMainStatus), not 78"
    sleep 6 # RestartSec is five
    unit_is NRestarts 0 && unit_is ActiveState failed || broken "$1: it was restarted"
    # by its process: of one that is gone before journald looks, the invocation is not known
    inside journalctl -q -t posagent -o cat "_PID=$(unit ExecMainPID)" >"$work/said" || true
    grep -q "$2" "$work/said" || { cat "$work/said"; broken "$1: nothing in the journal says $2"; }
    [ "$(wc -l <"$work/said")" -le $(($(grep -c "^$config:" "$work/said") + 1)) ] ||
        { cat "$work/said"; broken "$1: more is said than the faults and a last line"; }
    rule "$1 stays down with 78 and says why: $(grep -m 1 "$2" "$work/said" | cut -c 1-120)"
}

# configure fills the file in as a technician would, and starts the stand-in.
configure() {
    inside install -d -o posagent -g posagent /srv/till
    as_posagent posagent sandbox -dir /srv/till >"$work/stand-in.log" 2>&1 </dev/null &
    until_true 60 ask ledger >/dev/null || broken "the stand-in did not start"
    inside install -m 0600 /srv/till/private.pem /etc/posagent/private.pem
    inside install -m 0600 /srv/till/antom.pem /etc/posagent/antom.pem
    if [ "$arch" = armhf ]; then inside chown posagent /etc/posagent/private.pem /etc/posagent/antom.pem; fi
    inside sed -i -e "s,^base_url = .*,base_url = \"$stand_in/openapi/v2\"," \
        -e 's,^client_id = .*,client_id = "SANDBOX0000001",' \
        -e 's,^port = .*,port = "/srv/till/register0",' \
        -e 's,^#pay_timeout = .*,pay_timeout = "20s",' $config
    inside posagent check -config $config >"$work/check.log" 2>&1 || {
        cat "$work/check.log"
        broken "the file that was filled in is not taken"
    }
}

# ask asks the stand-in, from this side, for ledger, cruelties or the like.
ask() { nsenter -n -t "$leader" curl -sSf --noproxy '*' "${@:2}" "$stand_in/sandbox/$1" 2>/dev/null; }
arm() { ask cruelties -d "$1" >/dev/null || broken "the stand-in does not take $1"; }
charges() { ask ledger | jq --arg id "$1" '[.[] | select(.paymentRequestId == $id)] | length'; }
charged() { [ "$(charges "$1")" = 1 ]; }

# pay sells as a till does, and waits for the end. The register's words are in $work/ID.
pay() {
    # shellcheck disable=SC2016
    as_posagent sh -c 'echo $$ >"/srv/till/$1.pid"; exec posagent register -port /srv/till/till0 -wait -timeout 3m \
        pay paymentRequestId="$1" paymentMethod=ALIPAY_CN paymentAmount.value=1050 paymentAmount.currency=SGD' \
        sh "$1" >"$work/$1.log" 2>&1
}
sold() {
    again "$1" || { cat "$work/$1.log"; broken "$2: the sale came to no end"; }
    ended_well "$1" "$2"
}
# again sends the same payment until its end is stored and confirmed, as a till must.
again() { pay "$1" || pay "$1" || pay "$1"; }
ended_well() {
    grep '"final":true' "$work/$1.log" | grep '"paymentStatus":"SUCCESS"' >/dev/null ||
        { cat "$work/$1.log"; broken "$2: the register was not told SUCCESS"; }
    charged "$1" || broken "$2: charged $(charges "$1") times"
}

# begun begins a sale whose answer from Antom never comes: the money has moved.
begun() {
    arm '{"name":"hang_after","path":"pay"}'
    pay "$1" &
    sale=$!
    until_true 60 charged "$1" || { cat "$work/$1.log"; broken "the sale $1 did not reach Antom"; }
}
finished() {
    wait "$sale" || again "$1" || { cat "$work/$1.log"; broken "$2: the sale came to no end"; }
    ended_well "$1" "$2"
}

running() { until_true 120 unit_is ActiveState active || broken "$1: the unit is $(unit ActiveState)"; }

first_sale() {
    configure
    inside systemctl restart posagent || broken "it does not start with what was filled in"
    running "configured"
    sold FIRST "the first sale"
    [ "$(inside find $store -type f ! -user posagent)" = "" ] || broken "the store has files of others"
    [ -z "$(inside find / -xdev -newer /srv/till/posagent.toml -type f -user posagent \
        ! -path "$store/*" ! -path '/etc/posagent/*' ! -path '/srv/*' ! -path '/proc/*' ! -path '/sys/*' ! -path '/run/*' 2>/dev/null)" ] ||
        broken "the agent writes beside its store"
    rule "started, told systemd that it is ready, and took a sale: $(unit StatusText)"
}

wrong_config() {
    inside cp $config /srv/good.toml
    echo 'no_such_key = 1' | inside tee -a $config >/dev/null
    inside systemctl restart posagent 2>/dev/null || true
    stays_down "a wrong configuration" no_such_key
    inside cp /srv/good.toml $config
    inside systemctl start posagent || broken "it does not start again once the file is mended"
    running "mended"
    sold MENDED "after the file was mended"
    rule "the mended file starts, and sells"
}

killed() {
    local before
    before=$(unit MainPID)
    begun KILLED
    inside sh -c "kill -KILL $before"
    finished KILLED "kill -9 during a sale"
    unit_is MainPID "$before" && broken "the killed one was not restarted"
    rule "kill -9 during a sale: back by itself, charged once, the register told SUCCESS"
}

# wedged stops the process as a hung disk or a bug would: it lives, and does nothing.
wedged() {
    local before started
    inside mkdir -p /etc/systemd/system/posagent.service.d
    printf '[Service]\nWatchdogSec=4s\n' | inside tee /etc/systemd/system/posagent.service.d/quick.conf >/dev/null
    inside systemctl daemon-reload
    inside systemctl restart posagent
    running "a quick watchdog"
    sleep 9
    [ "$(unit NRestarts)" = 0 ] || broken "the watchdog bites an agent that is well"
    before=$(unit MainPID) started=$SECONDS
    begun WEDGED
    inside sh -c "kill -STOP $before"
    until_true 60 replaced "$before" || broken "a wedged agent was left alone for a minute"
    finished WEDGED "a wedged agent during a sale"
    inside journalctl -q -u posagent -o cat | grep -i 'watchdog timeout' >/dev/null || broken "the journal does not tell of the watchdog"
    inside rm /etc/systemd/system/posagent.service.d/quick.conf
    inside systemctl daemon-reload
    rule "the watchdog (4 s here) ended a wedged agent; the sale under way was charged once, $((SECONDS - started)) s"
}
replaced() { [ "$(unit MainPID)" != 0 ] && ! unit_is MainPID "$1" && unit_is ActiveState active; }

dpkg_inside() { inside dpkg "$@" >"$work/dpkg.log" 2>&1; }
installed() { inside dpkg-query -W -f '${Version}' posagent; }

upgraded_running() {
    local before
    inside systemctl restart posagent
    running "before the upgrade"
    before=$(unit MainPID)
    begun UPGRADED
    dpkg_inside -i /srv/next.deb || { cat "$work/dpkg.log"; broken "the upgrade failed"; }
    running "after the upgrade"
    unit_is MainPID "$before" && broken "the upgrade left the old program running"
    finished UPGRADED "an upgrade during a sale"
    [ "$(installed)" = 0.1.2 ] || broken "the upgrade left $(installed)"
    inside cmp -s $config /srv/good.toml || [ "$arch" = armhf ] || broken "the upgrade changed $config"
    rule "upgraded while it ran, in the middle of a sale: running, charged once"
}

upgraded_stopped() {
    inside systemctl stop posagent
    dpkg_inside -i /srv/now.deb || { cat "$work/dpkg.log"; broken "going back to a version with the same store failed"; }
    unit_is ActiveState inactive || broken "a stopped agent was started: $(unit ActiveState)"
    dpkg_inside -i /srv/next.deb || { cat "$work/dpkg.log"; broken "the upgrade of a stopped agent failed"; }
    unit_is ActiveState inactive || broken "a stopped agent was started by the upgrade: $(unit ActiveState)"
    inside systemctl start posagent
    running "started after the upgrade"
    rule "what was stopped stays stopped, up and down between versions of one store"
}

# downgraded lets a newer posagent write the store, and tries to go back.
downgraded() {
    local before
    dpkg_inside --force-confold -i /srv/newer.deb || { cat "$work/dpkg.log"; broken "the upgrade to a newer store failed"; }
    inside cmp -s $config /srv/good.toml || broken "an upgrade that can't ask changed $config"
    inside test -f $config.dpkg-dist || broken "the newer configuration does not lie beside the kept one"
    running "with a newer store"
    sold NEWER "with a newer store"
    before=$(unit MainPID)
    if dpkg_inside -i /srv/next.deb; then broken "a downgrade behind the store was let through"; fi
    grep -qi 'written by a newer posagent' "$work/dpkg.log" || { cat "$work/dpkg.log"; broken "the refusal does not say why"; }
    unit_is MainPID "$before" || broken "the refused downgrade touched the running agent"
    [ "$(installed)" = 0.2.0 ] || broken "the refused downgrade left $(installed)"
    sold AFTER "after a refused downgrade"
    rule "a downgrade behind the store is refused, and nothing is touched: $(grep -m 1 newer "$work/dpkg.log")"
    unpacked_by_force
}

# unpacked_by_force puts the older program in all the same: it refuses the store.
unpacked_by_force() {
    local sum
    inside systemctl stop posagent
    sum=$(inside sha256sum $store/posagent.db)
    inside cp /usr/bin/posagent /srv/newer-posagent
    inside dpkg-deb --fsys-tarfile /srv/next.deb | inside tar -C / -x ./usr/bin/posagent
    cursor
    inside systemctl start posagent 2>/dev/null && broken "an older program opened the newer store"
    until_true 20 says 'newer posagent' || { said; broken "the older program does not say that the store is newer"; }
    inside systemctl stop posagent
    [ "$(inside sha256sum $store/posagent.db)" = "$sum" ] || broken "the older program changed the newer store"
    inside cp /srv/newer-posagent /usr/bin/posagent
    inside systemctl reset-failed posagent || true
    inside systemctl start posagent
    running "the newer program again"
    sold AGAIN "with the newer program again"
    rule "an older program put in by force refuses the newer store and leaves its bytes"
}

# removed_open removes and purges the package while nobody knows how a payment ended.
removed_open() {
    local before
    before=$(unit MainPID)
    arm '{"name":"hang_before","path":"inquiryPayment","count":1000}'
    begun OPEN
    dpkg_inside -r posagent || { cat "$work/dpkg.log"; broken "it can't be removed while a payment is open"; }
    inside test ! -e /usr/bin/posagent || broken "removed, and the program is still there"
    inside test ! -e "/proc/$before" || broken "removed, and it still runs"
    inside test -f $config || broken "removing took the configuration"
    dpkg_inside --purge posagent || { cat "$work/dpkg.log"; broken "it can't be purged while a payment is open"; }
    inside test -f $store/posagent.db || broken "purging took a store with an open payment"
    grep -q "$store" "$work/dpkg.log" || { cat "$work/dpkg.log"; broken "purging does not name the store that it kept"; }
    rule "purged with an open payment: the store is kept and named"
    inside sh -c 'kill "$(cat /srv/till/OPEN.pid)"' || true
    wait "$sale" || true
}

# removed_settled installs it again, lets the payment end, and purges it for good.
removed_settled() {
    ask cruelties -X DELETE >/dev/null
    inside mkdir -p /etc/posagent
    inside cp /srv/good.toml $config
    inside install -m 0600 /srv/till/private.pem /srv/till/antom.pem /etc/posagent/
    dpkg_inside --force-confold -i /srv/newer.deb || { cat "$work/dpkg.log"; broken "it can't be installed again"; }
    inside systemctl start posagent
    running "installed again"
    sold OPEN "a payment that a purge left behind"
    rule "installed again, it took the open payment up: charged once"
    dpkg_inside --purge posagent || { cat "$work/dpkg.log"; broken "it can't be purged"; }
    inside test ! -e $store || broken "purged with nothing open, and $store is still there"
    inside test ! -e $config || broken "purged, and $config is still there"
    rule "purged with nothing open: store and configuration are gone"
}

stopped_by_hand() {
    inside systemctl stop posagent || broken "it can't be stopped"
    unit_is ActiveState inactive || broken "stopped, and the unit is $(unit ActiveState)"
    unit_is Result success || broken "stopping it is a $(unit Result)"
    rule "stopped in order"
}
