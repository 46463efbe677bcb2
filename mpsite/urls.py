from allauth.account import urls as account_urls
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView, TemplateView

from mpsite.metrics import metrics
from mpsite.sign_in import accept_notice, own_account
from mpsite.static_names import renamed

# Accounts are made by administrators, without mail: neither sign-up nor anything that would send a letter.
KEPT = {"account_login", "account_logout", "account_signup", "account_inactive", "account_reauthenticate",
        "account_change_password", "account_set_password"}  # fmt: skip

handler500 = "mpsite.errors.handler500"

urlpatterns = [
    # First: cameras ask far more often than people, and each pattern before it is tried each time.
    path("api/", include("matching.api.urls")),
    path("", RedirectView.as_view(pattern_name="alerts"), name="home"),
    path("notice/", accept_notice, name="accept-notice"),
    path("metrics", metrics, name="metrics"),
    path("static/<slug:before>/<path:name>", renamed, name="static-renamed"),
    path("words/", TemplateView.as_view(template_name="words.html"), name="words"),
    path("account/", own_account, name="account"),
    path("", include("mpsite.people.urls")),
    path("", include("cases.urls")),
    path("", include("matching.urls")),
    path("accounts/", include([one for one in account_urls.urlpatterns if one.name in KEPT])),
    path("accounts/second-factor/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("accounts/agency/", include("allauth.socialaccount.urls")),
    path("accounts/", include("allauth.socialaccount.providers.openid_connect.urls")),
    path("admin/", admin.site.urls),
]
