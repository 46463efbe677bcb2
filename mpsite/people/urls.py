from django.urls import path

from mpsite.people import views

urlpatterns = [
    path("people/", views.people, name="people"),
    path("people/invite/", views.invite, name="person-invite"),
    path("people/access/", views.access, name="people-access"),
    path("people/notice/", views.notice, name="people-notice"),
    path("people/teams/new/", views.team_new, name="team-new"),
    path("people/teams/<int:pk>/", views.team, name="team"),
    path("people/teams/<int:pk>/remove/", views.team_remove, name="team-remove"),
    path("people/tokens/<int:pk>/end/", views.token_end, name="person-token-end"),
    path("people/sessions/<int:pk>/end/", views.session_end, name="person-session-end"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/link/", views.person_link, name="person-link"),
    path("people/<int:pk>/switch/", views.person_switch, name="person-switch"),
    path("people/<int:pk>/sign-out/", views.person_sign_out, name="person-sign-out"),
    path("people/<int:pk>/factors/", views.person_factors, name="person-factors"),
    path("welcome/<uidb64>/<token>/", views.Welcome.as_view(), name="welcome"),
]
