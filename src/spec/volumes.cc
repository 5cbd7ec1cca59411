// Fields of core/v1 Volume. A volume has one source; one without any is an emptyDir, as in Kubernetes.
#include "spec/volumes.h"

#include <set>

#include "spec/fields.h"
#include "spec/quantity.h"
#include "spec/scalar.h"

namespace tank::spec {

namespace {

using HostType = HostPathVolume::Type;
using Medium = EmptyDirVolume::Medium;

constexpr Word<HostType> kHostTypes[] = {
    {"", HostType::unchecked},
    {"DirectoryOrCreate", HostType::directory_or_create},
    {"Directory", HostType::directory},
    {"FileOrCreate", HostType::file_or_create},
    {"File", HostType::file},
    {"Socket", HostType::socket},
    {"CharDevice", HostType::char_device},
    {"BlockDevice", HostType::block_device},
};
constexpr Word<Medium> kMediums[] = {{"", Medium::disk}, {"Memory", Medium::memory}};

constexpr Field<HostPathVolume> kHostPathFields[] = {
    required<HostPathVolume>("path",
                             [](const Value& v, HostPathVolume& s) {
                               if (const auto path = v.text(kAbsolutePath)) s.path = clean_path(*path);
                             }),
    optional<HostPathVolume>("type", [](const Value& v, HostPathVolume& s) { assign(s.type, v.choice(kHostTypes)); }),
};

constexpr Field<EmptyDirVolume> kEmptyDirFields[] = {
    optional<EmptyDirVolume>("medium", [](const Value& v, EmptyDirVolume& s) { assign(s.medium, v.choice(kMediums)); }),
    optional<EmptyDirVolume>("sizeLimit",
                             [](const Value& v, EmptyDirVolume& s) {
                               const auto limit = read_bytes(v);
                               if (limit && limit->count > 0) s.size_limit = *limit;  // 0 is no limit
                             }),
};

constexpr Field<ClaimVolume> kClaimFields[] = {
    required<ClaimVolume>("claimName", [](const Value& v, ClaimVolume& s) { assign(s.claim, v.text(kDnsSubdomain)); }),
    optional<ClaimVolume>("readOnly",
                          [](const Value& v, ClaimVolume& s) {
                            if (v.boolean().value_or(false)) s.readonly = Readonly::yes;
                          }),
};

struct Draft : VolumeDraft {
  std::string first_source;
  Place projected;
};

void claim_source(const Value& value, Draft& draft) {
  const std::string name = value.path().substr(value.path().rfind('.') + 1);
  if (draft.first_source.empty()) {
    draft.first_source = name;
  } else {
    value.refuse("a volume has one source, and this one has ", draft.first_source, " already");
  }
}

template <typename Source, const auto& fields>
void read_source(const Value& value, Draft& draft) {
  claim_source(value, draft);
  Source source;
  read_fields(value, fields, source);
  draft.volume.source = std::move(source);
}

// Real manifests that were read back from an API server all carry the token volume, which asks for nothing we have.
void read_projected(const Value& value, Draft& draft) {
  claim_source(value, draft);
  draft.is_token = true;
  draft.projected = value;
}

void read_name(const Value& value, Draft& draft) {
  draft.place = value;
  assign(draft.volume.name, value.text(kDnsLabel));
}

constexpr Field<Draft> kVolumeFields[] = {
    required<Draft>("name", read_name),
    optional<Draft>("emptyDir", read_source<EmptyDirVolume, kEmptyDirFields>),
    optional<Draft>("hostPath", read_source<HostPathVolume, kHostPathFields>),
    optional<Draft>("persistentVolumeClaim", read_source<ClaimVolume, kClaimFields>),
    optional<Draft>("projected", read_projected),
    {{"configMap", Standing::unsupported, {}}},
    {{"secret", Standing::unsupported, {}}},
    {{"downwardAPI", Standing::unsupported, {}}},
    {{"image", Standing::unsupported, {}}},
    {{"csi", Standing::unsupported, {}}},
    {{"ephemeral", Standing::unsupported, {}}},
    {{"nfs", Standing::unsupported, {}}},
    {{"iscsi", Standing::unsupported, {}}},
    {{"fc", Standing::unsupported, {}}},
    {{"rbd", Standing::unsupported, {}}},
    {{"cephfs", Standing::unsupported, {}}},
    {{"glusterfs", Standing::unsupported, {}}},
    {{"cinder", Standing::unsupported, {}}},
    {{"flexVolume", Standing::unsupported, {}}},
    {{"flocker", Standing::unsupported, {}}},
    {{"gitRepo", Standing::unsupported, {}}},
    {{"quobyte", Standing::unsupported, {}}},
    {{"storageos", Standing::unsupported, {}}},
    {{"scaleIO", Standing::unsupported, {}}},
    {{"portworxVolume", Standing::unsupported, {}}},
    {{"photonPersistentDisk", Standing::unsupported, {}}},
    {{"vsphereVolume", Standing::unsupported, {}}},
    {{"awsElasticBlockStore", Standing::unsupported, {}}},
    {{"gcePersistentDisk", Standing::unsupported, {}}},
    {{"azureDisk", Standing::unsupported, {}}},
    {{"azureFile", Standing::unsupported, {}}},
};

constexpr std::string_view kTokenPrefix = "kube-api-access-";

VolumeDraft read_volume(const Value& value) {
  Draft draft;
  draft.place = value;
  read_fields(value, kVolumeFields, draft);
  if (!draft.is_token) return draft;
  if (draft.volume.name.substr(0, kTokenPrefix.size()) == kTokenPrefix) {
    draft.place.warn("the service account token is left out: there is no API server it could be for");
  } else {
    draft.projected.refuse("not supported yet");
    draft.is_token = false;
  }
  return draft;
}

}  // namespace

std::vector<VolumeDraft> read_volumes(const Value& value) {
  std::vector<VolumeDraft> out;
  std::set<std::string> names;
  for (const Value& item : value.items()) {
    VolumeDraft draft = read_volume(item);
    if (draft.volume.name.empty()) continue;
    if (names.insert(draft.volume.name).second) {
      out.push_back(std::move(draft));
    } else {
      draft.place.refuse("the volume name ", in_quotes(draft.volume.name), " is given twice");
    }
  }
  return out;
}

}  // namespace tank::spec
