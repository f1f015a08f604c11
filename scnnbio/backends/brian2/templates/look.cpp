{# USES_VARIABLES { t_in_timesteps } #}
{% extends 'common_group.cpp' %}
{% block extra_headers %}
#include "presentations.h"
{% endblock %}
{% block maincode %}
    {# After the last step the program itself checks the states. #}
    if (scnnbio::program().watches()) scnnbio::program().look({{t_in_timesteps}} % {{period}} + 1);
{% endblock %}
