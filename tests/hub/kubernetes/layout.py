"""What a cluster of one node consists of: names, folders, and the files that its programs read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

NODE = "node1"
# In the node's own network namespace; nothing leads out of it.
ADDRESS, POD_RANGE = "10.213.88.1", "10.213.88.0/24"
BRIDGE = "pods"
API_PORT, STORE_PORT, PEER_PORT = 6443, 2379, 2380
PAUSE_IMAGE = "localhost/pause:1"
FOLDERS = ("kubelet", "containerd", "log", "cni", "images", "volumes", "upper", "work")
SOCKET = "/run/containerd/containerd.sock"


@dataclass(frozen=True)
class Layout:
    """Where the parts of a cluster are.

    Parameters
    ----------
    folder : str
        For all that the cluster writes.
    kubernetes, runtime, etcd : str
        The programs: two folders and a file.
    cgroup : str
        Name of the cluster's own group in each hierarchy.
    listener : int
        Descriptor of a socket that listens in the machine's own network.
    """

    folder: str
    kubernetes: str
    runtime: str
    etcd: str
    cgroup: str
    listener: int

    def write(self) -> None:
        """Write it, and the files that the programs read, into the folder."""
        for name in FOLDERS:
            self.path(name).mkdir(exist_ok=True)
        self.path("layout.json").write_text(json.dumps(asdict(self)))
        self.path("containerd.toml").write_text(self._containerd())
        self.path("cni/10-bridge.conflist").write_text(json.dumps(_network()))
        self.path("kubelet.json").write_text(json.dumps(self._kubelet()))
        self.path("resolv.conf").write_text("nameserver 127.0.0.1\n")

    def path(self, name: str) -> Path:
        """Return a file or folder of the cluster's."""
        return Path(self.folder, name)

    @staticmethod
    def read(folder: str) -> Layout:
        """Return what `write` wrote."""
        return Layout(**json.loads(Path(folder, "layout.json").read_text()))

    def _containerd(self) -> str:
        cri = 'plugins."io.containerd.grpc.v1.cri"'
        return f"""\
version = 2
root = "{self.folder}/containerd"
state = "/run/containerd"
oom_score = 0
[grpc]
  address = "{SOCKET}"
[{cri}]
  sandbox_image = "{PAUSE_IMAGE}"
  # Without CAP_SYS_RESOURCE nobody can have a score below our own.
  restrict_oom_score_adj = true
  disable_apparmor = true
[{cri}.cni]
  bin_dir = "{self.runtime}/usr/lib/cni"
  conf_dir = "{self.folder}/cni"
[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
"""

    def _kubelet(self) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            # Nobody else is in its network.
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.cgroup}",
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            # It only compares the kernel's settings then, and changes none.
            "protectKernelDefaults": True,
            "makeIPTablesUtilChains": False,
            "oomScoreAdj": 0,
            "resolvConf": f"{self.folder}/resolv.conf",
            # Of a disk that others use as well.
            "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%"},
            "imageGCHighThresholdPercent": 100,
            "syncFrequency": "10s",
        }


def _network() -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": "/run/cni",
            "ranges": [[{"subnet": POD_RANGE, "gateway": ADDRESS}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}
