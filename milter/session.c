#include "milter/session.h"

#include "milter/message.h"
#include "milter/message_scan.h"
#include "milter/policy.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <talloc.h>

int session_new(const struct gate *gate, bool leadspc, struct session **ret)
{
	struct session *session = talloc_zero(NULL, struct session);

	if (!session)
		return -ENOMEM;
	session->gate = gate;
	session->leadspc = leadspc;
	session->authserv_id = gate->conf->authserv_id[0] ? gate->conf->authserv_id : gate->host_name;
	*ret = session;
	return 0;
}

static socklen_t address_octets(const struct sockaddr *address)
{
	switch (address->sa_family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return 0;
	}
}

static int keep_names(struct session *session, const char *client_name, const char *daemon_name, const char *macro_j)
{
	session->client_name = talloc_strdup(session, client_name ? client_name : "");
	if (!session->client_name)
		return -ENOMEM;
	if (daemon_name) {
		session->daemon_name = talloc_strdup(session, daemon_name);
		if (!session->daemon_name)
			return -ENOMEM;
	}
	if (macro_j && macro_j[0] && !session->gate->conf->authserv_id[0]) {
		session->authserv_id = talloc_strdup(session, macro_j);
		if (!session->authserv_id)
			return -ENOMEM;
	}
	return 0;
}

int session_connect(struct session *session, const char *client_name, const struct sockaddr *client,
                    const char *daemon_name, const char *macro_j)
{
	if (client && address_octets(client) > 0) {
		memcpy(&session->client, client, address_octets(client));
		session->client_known = true;
	}
	session->error = keep_names(session, client_name, daemon_name, macro_j);
	return session->error;
}

void session_set_mta(struct session *session, const char *macro_v)
{
	survival_mta(&session->survival, view_of(macro_v));
}

int session_mail(struct session *session, const char *sender, const char *auth_type)
{
	struct policy_client client = {
		.address = session->client_known ? (const struct sockaddr *)&session->client : NULL,
		.auth_type = auth_type,
		.daemon_name = session->daemon_name,
	};
	enum policy_role_reason reason;
	enum conf_role role = policy_role(session->gate->listener, &client, &reason);
	int r;

	session_end_message(session);
	if (session->error)
		return session->error;
	r = message_new(session, sender, role, reason, &session->message);
	if (r == 0)
		r = message_scan_new(session->message, auth_type && *auth_type);
	if (r < 0)
		session_end_message(session);
	return r;
}

void session_end_message(struct session *session)
{
	talloc_free(session->message);
	session->message = NULL;
}

char *session_client_text(const struct session *session, void *mem)
{
	char host[NI_MAXHOST];

	if (session->client_known &&
	    getnameinfo((const struct sockaddr *)&session->client, sizeof session->client, host, sizeof host, NULL, 0,
	                NI_NUMERICHOST) == 0)
		return talloc_strdup(mem, host);
	return talloc_strdup(mem, session->client_name ? session->client_name : "");
}
