#!/bin/sh
# Installs ogpu-confirmd as a systemd service, or takes it away again. May be run again: what is there already stays, unless
# you give it anew. With DESTDIR it writes below that folder and talks to no systemd: for packages, and for a look.
#
#   install.sh [--key FILE] [--config FILE] [--policies DIR] [--encrypt-key] [--no-start]
#   install.sh --uninstall [--purge]
#
#   --key FILE       the agent's private key, or a keystore: becomes /etc/ogpu-confirmd/agent-key (mode 600, root's)
#   --config FILE    becomes /etc/ogpu-confirmd/config.yaml
#   --policies DIR   its files become /etc/ogpu-confirmd/policies; others that are there stay in force, and are named
#   --encrypt-key    keeps the key encrypted, bound to this machine (systemd-creds; needs systemd 250)
#   --no-start       enables the service and does not start it
#   --uninstall      stops and removes the service; configuration, key, journal and your own drop-ins stay
#   --purge          with --uninstall: they go, too, and with the configuration the drop-ins that name files in it
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}
unit=$root/etc/systemd/system/ogpu-confirmd.service
dropins=$root/etc/systemd/system/ogpu-confirmd.service.d
etc=$root/etc/ogpu-confirmd
key='' config='' policies='' encrypt=no start=yes uninstall=no purge=no

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 78; }
systemd() { [ -n "$root" ] || systemctl "$@"; }

while [ $# -gt 0 ]; do
  case $1 in
    --key | --config | --policies)
      [ $# -gt 1 ] || die "$1 needs a path"
      case $1 in --key) key=$2 ;; --config) config=$2 ;; --policies) policies=$2 ;; esac
      shift ;;
    --encrypt-key) encrypt=yes ;;
    --no-start) start=no ;;
    --uninstall) uninstall=yes ;;
    --purge) purge=yes ;;
    -h | --help) sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "there is no option $1: see --help" ;;
  esac
  shift
done

[ -n "$root" ] || [ "$(id -u)" = 0 ] || die "only root can install a service: sudo $0"

if [ "$uninstall" = yes ]; then
  systemd disable --now ogpu-confirmd.service 2>/dev/null || true
  rm -f "$unit"
  rm -f "$dropins/10-encrypted-key.conf" "$dropins/10-program.conf"
  [ "$purge" = no ] || rm -rf "$dropins"
  rmdir "$dropins" 2>/dev/null || true
  systemd daemon-reload
  if [ "$purge" = yes ]; then
    rm -rf "$etc" "$root/var/lib/private/ogpu-confirmd" "$root/var/lib/ogpu-confirmd"
    say "removed, with configuration, key, journal and all drop-ins of the service"
  else
    say "removed; left as they are: $etc, $root/var/lib/private/ogpu-confirmd, $dropins (as far as there)"
  fi
  exit 0
fi
[ "$purge" = no ] || die "--purge goes with --uninstall"
[ "$encrypt" = no ] || [ -n "$key" ] || die "--encrypt-key needs --key FILE"
for given in "$key" "$config" "$policies"; do
  [ -z "$given" ] || [ -e "$given" ] || die "$given does not exist"
done

# The program: where the unit expects it, or else where it is, in a drop-in.
program=$(command -v ogpu-confirmd || true)
install -d -m 755 "$(dirname "$unit")"
install -m 644 "$here/ogpu-confirmd.service" "$unit"
# One that an earlier installation has left may name a program that is gone.
rm -f "$dropins/10-program.conf"
# The program's first line looks for Node in the service's PATH, which is not yours.
node=$(command -v node || echo /usr/bin/node)
# An older one says no more than "bad option", and the service would be started again and again.
version=$("$node" --version 2>/dev/null || true)
case $version in v[0-9].* | v1[0-9].* | v2[0-3].*) old="$node is $version" ;; *) old='' ;; esac
node=$(dirname "$node")
case $node in /usr/local/sbin | /usr/local/bin | /usr/sbin | /usr/bin | /sbin | /bin) node='' ;; esac
if [ -n "$program" ] && { [ "$program" != /usr/local/bin/ogpu-confirmd ] || [ -n "$node" ]; }; then
  install -d -m 755 "$dropins"
  {
    printf '[Service]\nExecStart=\nExecStart=%s run --config /etc/ogpu-confirmd/config.yaml\n' "$program"
    [ -z "$node" ] || printf 'Environment=PATH=%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n' "$node"
  } > "$dropins/10-program.conf"
fi

install -d -m 755 "$etc" "$etc/policies"
if [ -n "$config" ]; then install -m 644 "$config" "$etc/config.yaml"
elif [ ! -e "$etc/config.yaml" ]; then
  printf '# Every key is in docs/configuration.md; what is left out has its default.\nnetwork: mainnet\n' > "$etc/config.yaml"
  chmod 644 "$etc/config.yaml"
fi
if [ -n "$policies" ]; then
  cp -R "$policies/." "$etc/policies/"
  chmod -R u=rwX,go=rX "$etc/policies"
  for file in "$etc"/policies/*.yaml "$etc"/policies/*.yml; do
    [ ! -e "$file" ] || [ -e "$policies/${file##*/}" ] || say "still in force, from before, and not in $policies: $file"
  done
fi

if [ "$encrypt" = yes ]; then
  umask 077
  systemd-creds encrypt --name=agent-key "$key" "$etc/agent-key.cred"
  rm -f "$etc/agent-key"
  say "the key is encrypted, for this machine alone: keep or destroy $key as you see fit"
elif [ -n "$key" ]; then
  install -m 600 "$key" "$etc/agent-key"
  rm -f "$dropins/10-encrypted-key.conf" "$etc/agent-key.cred"
fi
# Also for one that an earlier installation has left: the unit by itself looks for the plain key.
if [ -e "$etc/agent-key.cred" ]; then
  install -d -m 755 "$dropins"
  printf '[Service]\nLoadCredential=\nLoadCredentialEncrypted=agent-key:/etc/ogpu-confirmd/agent-key.cred\n' > "$dropins/10-encrypted-key.conf"
fi

say "installed: $unit"
missing=''
[ -n "$program" ] || missing="$missing
  the program: npm install -g --omit=optional ogpu-confirmd"
[ -z "$old" ] || missing="$missing
  Node 24 or later where the service looks for it: $old"
[ -e "$etc/agent-key" ] || [ -e "$etc/agent-key.cred" ] || missing="$missing
  the key: $0 --key FILE"
ls "$etc"/policies/*.yaml "$etc"/policies/*.yml 2>/dev/null | grep -q . || missing="$missing
  policies: $0 --policies DIR"

systemd daemon-reload
systemd enable ogpu-confirmd.service
if [ -n "$missing" ]; then
  say "not started; still missing:$missing"
elif [ "$start" = yes ]; then
  systemd restart ogpu-confirmd.service
  [ -n "$root" ] || say "started; watch it: systemctl status ogpu-confirmd, journalctl -fu ogpu-confirmd"
fi
