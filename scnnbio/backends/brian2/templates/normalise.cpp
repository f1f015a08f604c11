{# USES_VARIABLES { w, _norms, t_in_timesteps } #}
{# WRITES_TO_READ_ONLY_VARIABLES { _norms } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}
{% block maincode %}
    if (({{t_in_timesteps}} + 1) % {{period}} == 0) {
        const double _target = {{target}};
        const double _low = {{low}};
        const double _high = {{high}};
        for (int _o = 0; _o < {{O}}; _o++) {{_norms}}[_o] = 0;
        {# The last axis of the kernel is the output maps of a group; a row is one tap of it. #}
        for (int _k = 0; _k < {{rows}}; _k++)
            for (int _o = 0; _o < {{OG}}; _o++) {
                const double _w = {{w}}[_k * {{OG}} + _o];
                {{_norms}}[_k / {{taps}} % {{G}} * {{OG}} + _o] += {% if norm == 'l1' %}std::fabs(_w){% else %}_w * _w{% endif %};
            }
        for (int _o = 0; _o < {{O}}; _o++) {
            const double _norm = {% if norm == 'l1' %}{{_norms}}[_o]{% else %}std::sqrt({{_norms}}[_o]){% endif %};
            {{_norms}}[_o] = _norm > 0 ? _target / _norm : 1;
        }
        for (int _k = 0; _k < {{rows}}; _k++)
            for (int _o = 0; _o < {{OG}}; _o++) {
                const double _w =
                    {{w}}[_k * {{OG}} + _o] * {{_norms}}[_k / {{taps}} % {{G}} * {{OG}} + _o];
                {{w}}[_k * {{OG}} + _o] = _w < _low ? _low : _w > _high ? _high : _w;
            }
    }
{% endblock %}
