#!/bin/bash
# A private systemd as process 1 of namespaces of its own, on a machine that may run another one or none. Needs root.
#
#   lab.sh up REPOSITORY     boots it and prints its process number; it lives until standard input ends
#   lab.sh inside REPOSITORY what the first process in the namespaces does
#
# What is written inside to /etc, /usr/local, /var, /run and /tmp is gone at the end. The network is the machine's own.
set -euo pipefail
verb=$1 repository=$2

up() {
  local groups=/sys/fs/cgroup/unified
  [[ -d $groups ]] || groups=/sys/fs/cgroup
  group=$groups/sundown-lab.$$
  mkdir "$group"
  trap 'kill -KILL "${outer:-}" 2>/dev/null || true; wait; tidy' EXIT
  # Whatever ends this shell ends `unshare`, and with it everything inside.
  (
    echo $BASHPID >"$group/cgroup.procs"
    exec setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount --uts --ipc --cgroup --mount-proc \
      "$0" inside "$repository" </dev/null >&2
  ) &
  outer=$!
  local pid= state
  for _ in $(seq 150); do
    sleep 0.1
    kill -0 "$outer" || exit 1
    [[ -n $pid ]] || pid=$(pgrep -P "$outer" -x systemd) || continue
    state=$(nsenter -t "$pid" -m -p -i -u -C systemctl is-system-running </dev/null 2>/dev/null) || true
    if [[ $state == running || $state == degraded ]]; then
      echo "$pid"
      # Whoever started this is alive as long as this does not end.
      cat >/dev/null
      exit 0
    fi
  done
  exit 1
}

# A control group can be removed when nothing is left in it.
tidy() {
  for _ in $(seq 50); do
    find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
    [[ -d $group ]] || return 0
    sleep 0.1
  done
}

inside() {
  # Without it systemd cannot hand credentials to a service's own mount namespace.
  mount --make-rshared /
  umount -R /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 none /sys/fs/cgroup
  mount -t tmpfs tmpfs /run
  mkdir -p /run/systemd/system /run/lock /run/user /run/repository
  mount --bind "$repository" /run/repository
  for folder in /etc /usr/local /var; do
    mkdir -p "/run/written$folder" "/run/work$folder"
    mount -t overlay overlay -o "lowerdir=$folder,upperdir=/run/written$folder,workdir=/run/work$folder" "$folder"
  done
  # systemd cleans these; they must not be the machine's.
  for folder in /tmp /var/tmp /var/log/journal; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
  done
  # The repository is where it was, also where that is below one of these.
  mkdir -p "$repository"
  mount --bind /run/repository "$repository"
  # Nothing of the machine's own services.
  for target in sysinit basic; do
    printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$target" >"/run/systemd/system/$target.target"
  done
  printf '[Unit]\nDescription=lab\nAllowIsolate=yes\nDefaultDependencies=no\nRequires=systemd-journald.socket\n' \
    >/run/systemd/system/lab.target
  export container=lab
  exec /lib/systemd/systemd --system --unit=lab.target --log-target=journal --show-status=no </dev/null
}

"$verb"
