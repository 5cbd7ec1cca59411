# shellcheck shell=bash disable=SC2034  # the lists are reached by name
# What each part of ./dev needs from Debian 12, and how it gets there. Sourced by dev.

packages_build=(g++ cmake ninja-build ca-certificates
  libexpected-dev libboost-json1.81-dev libyaml-cpp-dev libcli11-dev
  libcurl4-openssl-dev libcurl4 libssl-dev libarchive-dev libisal-dev libisal2 zlib1g-dev libzstd-dev
  libseccomp-dev libmnl-dev)
packages_demo=("${packages_build[@]}" busybox-static docker-registry skopeo umoci)
packages_vm=(busybox-static qemu-system-x86 cpio kmod iproute2)
packages_test=("${packages_build[@]}" "${packages_vm[@]}" ccache libgtest-dev libgmock-dev
  docker-registry skopeo umoci runc jq attr libcap2-bin openssl mmdebstrap debian-archive-keyring
  nginx-light redis-server python3)
packages_bench=("${packages_build[@]}" python3 busybox-static docker-registry skopeo umoci
  runc crun podman containerd conmon)
packages_fuzz=("${packages_build[@]}" clang-14 libclang-rt-14-dev)
packages_check=("${packages_build[@]}" libgtest-dev libgmock-dev ccache git python3
  clang-14 clang-format-14 clang-tidy-14 shellcheck codespell)

missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done | sort -u
}

# Packages that come with a service start it while they are installed, unless policy-rc.d says no. Ours stands only for
# as long as apt runs, and never in the place of one that was there before.
forbid_services() {
  [ -e /usr/sbin/policy-rc.d ] && return
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
}

allow_services() {
  if [ -n "$(trap -p EXIT)" ]; then
    rm -f /usr/sbin/policy-rc.d
    trap - EXIT
  fi
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Acquire::Retries=3 "$@" </dev/null
}

# setup PART…: installs what these parts lack; quick when nothing is missing.
setup() {
  local part wanted=() missing=()
  for part in "$@"; do
    local -n list="packages_$part"
    wanted+=("${list[@]}")
  done
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  [ "${#missing[@]}" -eq 0 ] && return
  if [ "$(id -u)" != 0 ]; then
    echo "dev: as root, install: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "dev: installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
  forbid_services
  # Old or absent package lists make the first try fail; then, and only then, they are fetched.
  local status=0
  if ! apt_get install --no-install-recommends -y "${missing[@]}" >/dev/null 2>&1; then
    apt_get update && apt_get install --no-install-recommends -y "${missing[@]}" >/dev/null || status=$?
  fi
  allow_services
  return "$status"
}
