#!/bin/sh
# Install the Debian packages of the lab, starting and configuring no service of this machine.
set -eu

needed="python3 python3-venv postgresql-15 isc-dhcp-server isc-dhcp-client isc-dhcp-relay kea-admin iproute2 nftables jq util-linux"
missing=""
for package in $needed; do
    state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    if [ "${CI:-}" ]; then
        echo "missing Debian packages:$missing; run as root or: apt-get install$missing" >&2
        exit 1
    fi
    echo "without root: not installed:$missing; tests that need them are skipped" >&2
    exit 0
fi

# While packages are set up, init scripts are told not to start anything (policy 101), and
# PostgreSQL's packages not to make a cluster. Both files are ours and go again, also those that a
# run left behind which was killed.
policy=/usr/sbin/policy-rc.d
clusters=/etc/postgresql-common/createcluster.d/maasha-lab.conf
mark="# written by maasha's lab"
ours() {
    grep -qsxF "$mark" "$policy"
}
restore() {
    ! ours || rm -f "$policy"
    rm -f "$clusters"
}
trap restore EXIT
trap 'exit 130' INT TERM
if [ ! -e "$policy" ] || ours; then
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"
    chmod 755 "$policy"
fi
mkdir -p "$(dirname "$clusters")"
echo "create_main_cluster = false" > "$clusters"

echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } > "$log" 2>&1; then
    cat "$log" >&2
    echo "apt-get could not install$missing" >&2
    exit 1
fi
rm -f "$log"
