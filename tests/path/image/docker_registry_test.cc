// Against the registry that Debian packages, filled by skopeo.
#include "image/base64.h"
#include "path/image/check_store.h"
#include "path/image/child.h"
#include "path/image/fixture.h"

namespace tank::image {
namespace {

class DockerRegistry : public ImagePath {
 protected:
  std::string file(const std::string& name) const { return (directory.path() / name).native(); }

  /// `extra` goes below http:, `more` at the top.
  void start(const std::string& extra = "", const std::string& more = "") {
    std::ofstream(file("config.yml"))
        << "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: " << file("storage")
        << "\nhttp:\n  addr: 127.0.0.1:0\n"
        << extra << more;
    registry_ = std::make_unique<test::Child>(std::vector<std::string>{"docker-registry", "serve", file("config.yml")});
    host_ = registry_->wait_for_text("listening on ");
    host_ = host_.substr(0, host_.find(','));
    ASSERT_NE(host_, "") << registry_->said();
  }

  std::string push(const ImageBuilder& image, std::vector<std::string> flags = {"--dest-tls-verify=false"}) {
    image.write_layout(file("layout"), "one");
    std::vector<std::string> argv{"skopeo", "--insecure-policy", "copy"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    argv.push_back("oci:" + file("layout") + ":one");
    argv.push_back("docker://" + host_ + "/a/b:1");
    return test::run(argv);
  }

  Result<Image> take() {
    options.auth_file = auth_file();
    return ensure(data(), host_ + "/a/b:1", PullPolicy::if_not_present, options, impatient());
  }

  void make_certificate(const std::string& name) {
    ASSERT_EQ(test::run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", file(name + ".key"),
                         "-out", file(name + ".crt"), "-days", "2", "-subj", "/CN=tank test", "-addext",
                         "subjectAltName=IP:127.0.0.1"}),
              "");
  }

  std::unique_ptr<test::Child> registry_;
  std::string host_;
};

TEST_F(DockerRegistry, IsPulledFrom) {
  start();
  ASSERT_EQ(push(small_image()), "");
  const Result<Image> image = take();
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(slurp(image->layers.at(1) / "big"), noise(300000));
  EXPECT_EQ(fault_of_store(data()), "");
  EXPECT_EQ(
      failure(ensure(data(), host_ + "/a/b:none", PullPolicy::if_not_present, options, impatient())).substr(0, 10),
      "not_found:");
}

TEST_F(DockerRegistry, TakesDockersOwnMediaTypes) {
  start();
  ASSERT_EQ(push(small_image(), {"--dest-tls-verify=false", "--format", "v2s2"}), "");
  const Result<Image> image = take();
  ASSERT_TRUE(image) << image.error().sentence();
  EXPECT_EQ(inspect_image(data(), image->digest)->layers.at(0).media_type,
            "application/vnd.docker.image.rootfs.diff.tar.gzip");
}

TEST_F(DockerRegistry, WantsAPassword) {
  ASSERT_EQ(test::run({"htpasswd", "-Bbc", file("htpasswd"), "me", "pass"}), "");
  start("", "auth:\n  htpasswd:\n    realm: test\n    path: " + file("htpasswd") + "\n");
  ASSERT_EQ(push(small_image(), {"--dest-tls-verify=false", "--dest-creds", "me:pass"}), "");
  EXPECT_EQ(failure(take()).substr(0, 7), "denied:");
  write_auth(host_, encode_base64("me:wrong"));
  EXPECT_EQ(failure(take()).substr(0, 7), "denied:");
  write_auth(host_ + "/a", encode_base64("me:pass"));
  const Result<Image> image = take();
  EXPECT_TRUE(image) << image.error().sentence();
}

TEST_F(DockerRegistry, MustShowACertificateWeTrust) {
  make_certificate("own");
  make_certificate("other");
  start("  tls:\n    certificate: " + file("own.crt") + "\n    key: " + file("own.key") + "\n");
  ASSERT_EQ(push(small_image()), "");
  for (const std::string& wrong : {std::string(), file("other.crt")}) {
    options.ca_file = wrong;
    const std::string why = failure(take());
    EXPECT_EQ(why.substr(0, 7), "denied:") << why;
  }
  options.ca_file = file("missing.crt");
  EXPECT_EQ(failure(take()).substr(0, 10), "not_found:");
  options.ca_file = file("own.crt");
  const Result<Image> image = take();
  EXPECT_TRUE(image) << image.error().sentence();
}

}  // namespace
}  // namespace tank::image
